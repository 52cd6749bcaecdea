# The C interface as a shared library, with its header and a file for pkg-config.

set(exports "${CMAKE_BINARY_DIR}/exports.map")
execute_process(COMMAND "${PROJECT_SOURCE_DIR}/Scripts/export-map.sh"
  OUTPUT_FILE "${exports}" COMMAND_ERROR_IS_FATAL ANY)

add_library(CKALibrary SHARED "${PROJECT_SOURCE_DIR}/CMake/Library.swift")
set_target_properties(CKALibrary PROPERTIES OUTPUT_NAME cka LINK_DEPENDS "${exports}")
target_link_libraries(CKALibrary PRIVATE CInterface)
# A module is compiled as a whole: who needs one function gets all.
target_link_options(CKALibrary PRIVATE
  "SHELL:-Xlinker --version-script=${exports}" "SHELL:-Xlinker --undefined=cka_version")
install(TARGETS CKALibrary LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}")
install(FILES "${PROJECT_SOURCE_DIR}/Sources/CInterface/Header/include/cka.h"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")

file(STRINGS "${PROJECT_SOURCE_DIR}/Sources/Support/Version.swift" version REGEX "[0-9]+\\.[0-9]+\\.[0-9]+")
string(REGEX MATCH "[0-9]+\\.[0-9]+\\.[0-9]+" version "${version}")
# Where it is installed is known when it is.
install(CODE "file(WRITE
  \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/cka.pc\"
  \"Name: cka
Description: Similarity of the layers of neural networks by Centered Kernel Alignment
Version: ${version}
Cflags: -I\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_INCLUDEDIR}
Libs: -L\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR} -lcka
\")")
