# The four kinds of targets that CMake/Sources.cmake consists of. Each is called with a name, its
# directory, and what `swift package describe` says about it.

# The installed modules: Swift's, and beside them the module maps and headers of the C libraries.
set(CKA_INSTALL_MODULES "${CMAKE_INSTALL_LIBDIR}/cka/modules")

# Leaves the lists as DEPENDS and SOURCES, the latter as whole paths.
macro(cka_parse directory)
  cmake_parse_arguments(PARSE_ARGV 2 target "" "PKG_CONFIG;PRODUCT;TRAIT" "DEPENDS;SOURCES")
  if(CKA_LEFT_OUT)
    list(REMOVE_ITEM target_DEPENDS ${CKA_LEFT_OUT})
  endif()
  set(sources "${target_SOURCES}")
  list(TRANSFORM sources PREPEND "${PROJECT_SOURCE_DIR}/${directory}/")
endmacro()

# A library of the system behind a module map. That of a trait is left out where the option CKA_<TRAIT>
# is off; sources see the trait as a compilation condition, as with SwiftPM.
function(cka_system_library name directory)
  cka_parse("${directory}")
  if(target_TRAIT AND NOT CKA_${target_TRAIT})
    set(CKA_LEFT_OUT ${CKA_LEFT_OUT} ${name} PARENT_SCOPE)
    return()
  endif()
  pkg_check_modules(${name}_PC REQUIRED IMPORTED_TARGET "${target_PKG_CONFIG}")
  add_library(${name} INTERFACE)
  target_include_directories(${name} INTERFACE "${PROJECT_SOURCE_DIR}/${directory}")
  target_link_libraries(${name} INTERFACE PkgConfig::${name}_PC)
  target_compile_definitions(${name} INTERFACE ${target_TRAIT})
  install(DIRECTORY "${directory}/" DESTINATION "${CKA_INSTALL_MODULES}/${name}")
endfunction()

# A library in C. Like SwiftPM's, its module is everything in its include directory.
function(cka_c_library name directory)
  cka_parse("${directory}")
  add_library(${name} STATIC ${sources})
  set(module_map_directory "${CMAKE_BINARY_DIR}/module-maps/${name}")
  set(headers "${PROJECT_SOURCE_DIR}/${directory}/include")
  file(CONFIGURE OUTPUT "${module_map_directory}/module.modulemap" CONTENT
"module ${name} {
  umbrella \"@headers@\"
  export *
}
" @ONLY)
  target_include_directories(${name}
    PUBLIC "${headers}"
    INTERFACE "${module_map_directory}")
  target_link_libraries(${name} PUBLIC ${target_DEPENDS})
  install(TARGETS ${name} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(DIRECTORY "${headers}/" DESTINATION "${CKA_INSTALL_MODULES}/${name}/include")
  install(CODE "file(WRITE
    \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CKA_INSTALL_MODULES}/${name}/module.modulemap\"
    \"module ${name} {\\n  umbrella \\\"include\\\"\\n  export *\\n}\\n\")")
endfunction()

function(cka_swift_library name directory)
  cka_parse("${directory}")
  add_library(${name} STATIC ${sources})
  target_compile_options(${name} PRIVATE "SHELL:-package-name cka")
  target_include_directories(${name} INTERFACE "${CMAKE_Swift_MODULE_DIRECTORY}")
  target_link_libraries(${name} PUBLIC ${target_DEPENDS})
  install(TARGETS ${name} ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(FILES "${CMAKE_Swift_MODULE_DIRECTORY}/${name}.swiftmodule"
    DESTINATION "${CKA_INSTALL_MODULES}")
endfunction()

function(cka_command name directory)
  cka_parse("${directory}")
  add_executable(${name} ${sources})
  set_target_properties(${name} PROPERTIES OUTPUT_NAME ${target_PRODUCT})
  target_compile_options(${name} PRIVATE -parse-as-library "SHELL:-package-name cka")
  target_link_libraries(${name} PRIVATE ${target_DEPENDS})
  install(TARGETS ${name} RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
  # The manual page is made of what the command's own help says. Without Python there is none.
  if(Python3_Interpreter_FOUND AND target_PRODUCT STREQUAL "cka")
    set(manual "${CMAKE_BINARY_DIR}/cka.1")
    add_custom_command(TARGET ${name} POST_BUILD VERBATIM
      COMMAND Python3::Interpreter "${PROJECT_SOURCE_DIR}/Scripts/make-manual.py"
        "$<TARGET_FILE:${name}>" "${manual}")
    install(FILES "${manual}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  endif()
endfunction()
