# SPDX-License-Identifier: MIT
include(${CMAKE_CURRENT_LIST_DIR}/tessera-dependencies.cmake)
if(tessera_missing)
  set(tessera_FOUND FALSE)
  set(tessera_NOT_FOUND_MESSAGE "tessera needs, and did not find:${tessera_missing} \
(Debian and Ubuntu: sudo apt-get install${tessera_missing_packages})")
else()
  include(${CMAKE_CURRENT_LIST_DIR}/tessera-targets.cmake)
endif()
