import CSystem
import Glibc

/// Gives the folder `aside` the name `target`, so that a whole folder of that name exists at any time.
///
/// - Parameters:
///   - isReplacing: whether a folder with files in it may be in the way.
///   - old: what the folder in the way is called for a moment, where the file system cannot exchange two.
///   - failure: the error of a call, from errno.
/// - Returns: where the folder is now that was in the way; nil where none, or an empty one, was.
package func putInPlace<Failure: Error>(
  _ aside: String, as target: String, isReplacing: Bool, old: String, failure: (Int32) -> Failure
) throws(Failure) -> String? {
  // Succeeds where nothing, or an empty folder, is in the way.
  if rename(aside, target) == 0 { return nil }
  guard isReplacing, [EEXIST, ENOTEMPTY].contains(errno) else { throw failure(errno) }
  if cka_exchange(aside, target) == 0 { return aside }
  guard rename(target, old) == 0 else { throw failure(errno) }
  guard rename(aside, target) == 0 else {
    let code = errno
    rename(old, target)
    throw failure(code)
  }
  return old
}

/// Makes sure that a folder's names are on the disk. Some file systems cannot; the files themselves are safe.
package func synchronizeFolder(_ path: String) {
  let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
  guard descriptor >= 0 else { return }
  fsync(descriptor)
  close(descriptor)
}
