import Glibc

/// Makes a call again as long as handlers of signals interrupt it: those of Python, for example, let the calls
/// of its libraries end so (https://docs.python.org/3/library/signal.html).
///
/// - Parameter call: returns a negative number and sets `errno` where it fails.
public func uninterrupted(_ call: () -> Int32) -> Int32 {
  while true {
    let result = call()
    guard result < 0, errno == EINTR else { return result }
  }
}

/// Closes a file. Returns 0, or the error that only now came to light of what was written before.
///
/// The descriptor is closed in any case; an interruption is no error of the file (close(2), "Dealing with error
/// returns from close()").
public func closeFile(_ descriptor: Int32) -> Int32 {
  close(descriptor) == 0 || errno == EINTR ? 0 : errno
}
