# SPDX-License-Identifier: MIT
# Finds what the library needs, for this build and for the installed package alike.
# Sets tessera_missing (words for a person) and tessera_missing_packages (Debian names).
set(tessera_missing "")
set(tessera_missing_packages "")

macro(tessera_need found words package)
  if(NOT ${found})
    string(APPEND tessera_missing " ${words}")
    string(APPEND tessera_missing_packages " ${package}")
  endif()
endmacro()

find_package(Threads QUIET)
tessera_need(Threads_FOUND threads libc6-dev)
find_package(pugixml QUIET)
tessera_need(pugixml_FOUND pugixml libpugixml-dev)
find_path(TESSERA_STB_INCLUDE stb_image.h PATH_SUFFIXES stb
  DOC "Folder that holds stb_image.h, stb_image_write.h and stb_image_resize.h")
mark_as_advanced(TESSERA_STB_INCLUDE)
tessera_need(TESSERA_STB_INCLUDE "stb (stb_image.h)" libstb-dev)
if(TESSERA_STB_INCLUDE AND NOT TARGET tessera::stb)
  add_library(tessera::stb INTERFACE IMPORTED)
  target_include_directories(tessera::stb INTERFACE ${TESSERA_STB_INCLUDE})
endif()

# Optional: without OpenMP everything works, on one thread.
find_package(OpenMP QUIET COMPONENTS CXX)

# Optional: libjpeg, or libjpeg-turbo, which has its interface, for tessera/image/jpeg.hpp. Who
# includes that links tessera::jpeg.
find_package(JPEG QUIET)
if(JPEG_FOUND AND NOT TARGET tessera::jpeg)
  add_library(tessera::jpeg INTERFACE IMPORTED)
  target_link_libraries(tessera::jpeg INTERFACE JPEG::JPEG)
endif()
