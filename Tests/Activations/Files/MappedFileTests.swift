import Foundation
import TestSupport
import Testing

@testable import ActivationFiles

@Suite struct MappedFileTests {
  /// mincore calls every page resident of a file that the reader neither owns nor may write, so that
  /// nothing of it was fetched ahead.
  @Test func tellsWhatIsInMemoryOfFilesOfOthers() throws {
    // /tmp may lie in memory.
    let path = "/var/tmp/cka-test-\(UUID().uuidString).npy"
    defer { unlink(path) }
    let size = 16 << 20
    try Data(repeating: 1, count: size).write(to: URL(fileURLWithPath: path))
    #expect(chmod(path, 0o444) == 0)
    let file = try MappedFile(path: path)
    let bytes = UnsafeRawBufferPointer(rebasing: file.bytes[(size / 2)...])
    // The system may keep pages that it has just written a while longer.
    for _ in 0..<200 where isResident(bytes) {
      #expect(fsync(file.descriptor) == 0)
      #expect(posix_fadvise(file.descriptor, 0, 0, POSIX_FADV_DONTNEED) == 0)
      if isResident(bytes) { usleep(50_000) }
    }
    #expect(!isResident(bytes))
    let isCached = try asAnotherUser { file.isCached(bytes) }
    // The call starts to fetch what it asks for: a disk that is as fast as memory may have brought it.
    #expect(!isCached || isResident(bytes))
    #expect(try file.copy(0..<size).count == size)
    #expect(file.isCached(bytes))
  }

  /// Whether any page of a mapping is in memory, as mincore tells the owner of the file.
  private func isResident(_ bytes: UnsafeRawBufferPointer) -> Bool {
    let page = Int(getpagesize())
    var pages = [UInt8](repeating: 0, count: (bytes.count + page - 1) / page)
    let start = UnsafeMutableRawPointer(mutating: bytes.baseAddress)
    guard let start, mincore(start, bytes.count, &pages) == 0 else { return true }
    return pages.contains { $0 & 1 == 1 }
  }

  /// Runs `body` as a user who owns nothing, in this thread alone, where the tests run as root.
  private func asAnotherUser(_ body: () -> Bool) throws -> Bool {
    guard geteuid() == 0 else { return body() }
    typealias SetUser = @convention(c) (uid_t) -> Int32
    let function = try #require(dlsym(nil, "setfsuid"))
    let setUser = unsafeBitCast(function, to: SetUser.self)
    _ = setUser(65534)
    defer { _ = setUser(0) }
    return body()
  }
}
