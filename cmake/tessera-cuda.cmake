# SPDX-License-Identifier: MIT
# Makes tessera::cuda, the library with its CUDA backend, for this build and for the installed
# package alike; or sets tessera_cuda_missing to the reason why there is none.
if(NOT CMAKE_CUDA_COMPILER)
  set(tessera_cuda_missing "the language CUDA is not in use: write project(... LANGUAGES CXX CUDA), \
which needs nvcc of NVIDIA's CUDA toolkit, 12 or later, on the PATH or named by CUDACXX")
elseif(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
  set(tessera_cuda_missing
    "${CMAKE_CUDA_COMPILER} is of version ${CMAKE_CUDA_COMPILER_VERSION}, expected 12 or later")
else()
  find_package(CUDAToolkit QUIET)
  if(NOT TARGET CUDA::cublasLt)
    set(tessera_cuda_missing "cublasLt, a part of the CUDA toolkit, was not found")
  elseif(NOT TARGET tessera::cuda)
    add_library(tessera::cuda INTERFACE IMPORTED)
    target_link_libraries(tessera::cuda INTERFACE tessera::tessera CUDA::cublasLt)
    # By hand: CMake 3.25.1 does not know which versions of C++ nvcc 13 has, and OpenMP's target
    # speaks to C++ only. Warning 1675 is of a pragma that the host compiler gets all the same.
    set(tessera_cuda_options -std=c++20 --diag-suppress=1675)
    if(TARGET OpenMP::OpenMP_CXX)
      list(APPEND tessera_cuda_options -Xcompiler=-fopenmp)
    endif()
    target_compile_options(tessera::cuda INTERFACE
      "$<$<COMPILE_LANGUAGE:CUDA>:${tessera_cuda_options}>")
  endif()
endif()
