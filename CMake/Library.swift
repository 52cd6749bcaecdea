// CMake has Swift's compiler link a library only where that has a source in Swift: libcka.so is all of CInterface.
