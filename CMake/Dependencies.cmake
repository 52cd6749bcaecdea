# The Swift packages of Package.swift, linked statically into the commands. Their own tests,
# examples and install rules stay out.

set(BUILD_SHARED_LIBS OFF)
set(BUILD_TESTING OFF)
set(BUILD_EXAMPLES OFF)

function(cka_fetch name repository tag)
  FetchContent_Declare(${name}
    GIT_REPOSITORY "https://github.com/${repository}"
    GIT_TAG ${tag}
    GIT_SHALLOW TRUE)
  FetchContent_GetProperties(${name})
  if(NOT ${name}_POPULATED)
    FetchContent_Populate(${name})
    add_subdirectory("${${name}_SOURCE_DIR}" "${${name}_BINARY_DIR}" EXCLUDE_FROM_ALL)
  endif()
endfunction()

cka_fetch(swift-argument-parser apple/swift-argument-parser 1.8.2)
cka_fetch(swift-log apple/swift-log 1.16.2)
