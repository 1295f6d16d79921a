# SPDX-License-Identifier: MIT
# Makes an include folder in which every header of the library leads to single_include/tessera.hpp,
# so that the tests prove the single header without a change; those for Eigen, libjpeg and CUDA, which
# are not in it, lead to themselves. Sets tessera_include.
set(tessera_include ${PROJECT_BINARY_DIR}/forward)
file(GLOB_RECURSE forwarded CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}/include
  include/tessera/*.hpp include/tessera/*.cuh)
foreach(header IN LISTS forwarded)
  set(target single_include/tessera.hpp)
  if(header MATCHES "/eigen.hpp$|/jpeg.hpp$|/cuda/")
    set(target include/${header})
  endif()
  file(CONFIGURE OUTPUT ${tessera_include}/${header} @ONLY NEWLINE_STYLE UNIX
    CONTENT "#include \"@PROJECT_SOURCE_DIR@/@target@\"\n")
endforeach()
