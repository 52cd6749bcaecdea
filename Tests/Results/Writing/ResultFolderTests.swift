import Foundation
import Support
import Synchronization
import TestSupport
import Testing

@testable import Results

@Suite struct ResultFolderTests {
  /// A file that came into the old result between the check and the exchange was deleted.
  @Test func whatComesIntoAResultWhileItIsReplacedIsKept() throws {
    let home = try TemporaryFolder()
    let place = "\(home.path)/out"
    @Sendable func folder() throws -> ResultFolder {
      try ResultFolder(place, of: CompareResult.kind, replacing: true)
    }
    let files = [("result.json", Array("{\"format\": \"cka-result/1\"}".utf8))]
    try folder().write(files)
    let written = Mutex(0)
    let isDone = Mutex(false)
    DispatchQueue.concurrentPerform(iterations: 2) { worker in
      while worker == 0, !isDone.withLock({ $0 }) {
        let number = written.withLock { $0 }
        let file = open("\(place)/note\(number)", O_WRONLY | O_CREAT | O_EXCL, 0o600)
        if file >= 0, close(file) == 0 { written.withLock { $0 += 1 } }
        usleep(2000)
      }
      guard worker == 1 else { return }
      for _ in 0..<60 {
        // Refused where it sees a note; then these are taken away.
        try? folder().write(files)
        for entry in folderEntries(place) ?? [] where entry.name.hasPrefix("note") {
          rename("\(place)/\(entry.name)", "\(home.path)/\(entry.name)")
        }
      }
      isDone.withLock { $0 = true }
    }
    func count(in folder: String) throws -> Int {
      try FileManager.default.contentsOfDirectory(atPath: folder).count { $0.hasPrefix("note") }
    }
    var notes = try count(in: home.path)
    for name in try FileManager.default.contentsOfDirectory(atPath: home.path)
    where name.hasPrefix("out") {
      notes += try count(in: "\(home.path)/\(name)")
    }
    let all = written.withLock { $0 }
    #expect(all > 0 && notes == all)
  }
}
