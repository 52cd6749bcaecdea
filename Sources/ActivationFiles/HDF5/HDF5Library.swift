#if HDF5
  import CHDF5
  import Glibc

  /// libhdf5, which only one thread may call at a time.
  enum HDF5Library {
    /// Runs `body` while no other thread calls libhdf5. The thread that has the lock may take it again.
    static func locked<Result: ~Copyable, Failure: Error>(
      _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
      pthread_mutex_lock(lock)
      defer { pthread_mutex_unlock(lock) }
      // Whether errors are printed is a matter of each thread.
      cka_h5_be_silent()
      return try body()
    }

    /// What the last failed call said, for a message.
    static var lastError: String {
      var text = [CChar](repeating: 0, count: 256)
      cka_h5_last_error(&text)
      let bytes = text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
      return bytes.isEmpty ? "libhdf5 gives no reason" : String(decoding: bytes, as: UTF8.self)
    }

    nonisolated(unsafe) private static let lock: UnsafeMutablePointer<pthread_mutex_t> = {
      var attributes = pthread_mutexattr_t()
      pthread_mutexattr_init(&attributes)
      pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
      let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
      pthread_mutex_init(lock, &attributes)
      pthread_mutexattr_destroy(&attributes)
      return lock
    }()
  }

  /// Something that libhdf5 holds open: a file, a group, a dataset, a type, a list of properties.
  struct HDF5Handle: ~Copyable {
    let id: hid_t

    /// Takes over `id`, which a call of libhdf5 returned; a negative one is that call's failure.
    init(_ id: hid_t, opening place: Place) throws(ActivationFileError) {
      guard id >= 0 else { throw place.unreadable }
      self.id = id
    }

    deinit {
      let id = id
      _ = HDF5Library.locked { H5Idec_ref(id) }
    }
  }

  extension Place {
    /// Throws where a call of libhdf5 failed.
    func check(_ status: herr_t) throws(ActivationFileError) {
      guard status >= 0 else { throw unreadable }
    }

    /// What the last call of libhdf5 failed with.
    fileprivate var unreadable: ActivationFileError {
      data("damaged or cut short, expected HDF5: \(HDF5Library.lastError)")
    }
  }
#endif
