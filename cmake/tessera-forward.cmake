# SPDX-License-Identifier: MIT
# Makes an include folder in which every header of the library leads to single_include/tessera.hpp,
# so that the tests prove the single header without a change. Sets tessera_include.
set(tessera_include ${PROJECT_BINARY_DIR}/forward)
file(GLOB_RECURSE forwarded CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
  include/tessera/*.hpp)
list(FILTER forwarded EXCLUDE REGEX "cuda")
foreach(header IN LISTS forwarded)
  file(CONFIGURE OUTPUT ${tessera_include}/${header} @ONLY NEWLINE_STYLE UNIX
    CONTENT "#include \"@PROJECT_SOURCE_DIR@/single_include/tessera.hpp\"\n")
endforeach()
