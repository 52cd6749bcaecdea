import Glibc

/// The first bytes of a file in the address space of this process, for reading.
package final class Mapping: @unchecked Sendable {
  // @unchecked: nothing changes from `init` to `deinit`.
  package let bytes: UnsafeRawBufferPointer

  /// Maps `size` bytes of an open file, at `address` if one is given, in place of what is there; nil, and errno says
  /// why, where that fails.
  package init?(_ descriptor: Int32, size: Int, at address: UnsafeRawPointer? = nil) {
    guard size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    let flags = address == nil ? MAP_PRIVATE : MAP_PRIVATE | MAP_FIXED
    guard
      let start = mmap(
        UnsafeMutableRawPointer(mutating: address), size, PROT_READ, flags, descriptor, 0),
      start != MAP_FAILED
    else { return nil }
    bytes = UnsafeRawBufferPointer(start: start, count: size)
  }

  deinit {
    guard let start = bytes.baseAddress else { return }
    munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
  }

  /// Gives advice about every page that holds some of `bytes`. Pages come back when a neighbor is read, so the outer
  /// ones need no care.
  package func advise(_ bytes: UnsafeRawBufferPointer, _ advice: Int32) {
    guard let start = bytes.baseAddress, !bytes.isEmpty else { return }
    let offset = Int(bitPattern: start) % Int(getpagesize())
    madvise(UnsafeMutableRawPointer(mutating: start - offset), bytes.count + offset, advice)
  }
}
