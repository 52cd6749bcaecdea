#if HDF5
  import CHDF5Process
  import Synchronization

  /// The program that runs libhdf5, in a process apart from this one.
  ///
  /// A program into which this library is linked starts itself again: the process ends before its `main`
  /// begins. Code that a shared library brings into a program (an interpreter's module, for example)
  /// must name another program that contains this library: `cka` is one.
  public enum HDF5Program {
    private static let other = Mutex<String?>(nil)

    /// The path of the program to start; nil, as at first, for this program itself.
    public static var path: String? {
      get { other.withLock { $0 } }
      set { other.withLock { $0 = newValue } }
    }

    /// The program to start, or why there is none.
    static func path(toRead place: Place) throws(ActivationFileError) -> String {
      if let path { return path }
      guard cka_hdf5_is_in_program() else {
        throw place.error(
          .io,
          "HDF5 is read by the command cka, in a process of its own, and this program does not know where "
            + "that is: tell it by ckakit.set_program in Python, cka_set_program in C, HDF5Program.path in Swift"
        )
      }
      return "/proc/self/exe"
    }
  }
#endif
