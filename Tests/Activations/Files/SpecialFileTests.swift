import ActivationFiles
import Foundation
import TestSupport
import Testing

struct SpecialFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let small = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2])

  @Test func refusesWhatIsNotThere() {
    expectFailure(at: "\(folder.path)/none.npy", kind: .noInput, "none.npy", "No such file")
    expectFailure(at: "", kind: .noInput)
    expectFailure(at: "a\0b", kind: .noInput, "NUL")
    expectFailure(at: "\(folder.path)/a\nb", kind: .noInput, "/a\\nb")
  }

  @Test(arguments: ["/dev/zero", "/dev/null"])
  func refusesDevices(path: String) { expectFailure(at: path, kind: .noInput, "device") }

  @Test func refusesFIFOs() throws {
    let path = "\(folder.path)/a.npy"
    #expect(mkfifo(path, 0o600) == 0)
    expectFailure(at: path, kind: .noInput, "FIFO")
    expectFailure(at: folder.path, kind: .noInput, "a.npy", "FIFO")
  }

  /// One of them locked a folder of good files.
  @Test func whatPromisesNoActivationsIsPassedOver() throws {
    try folder.write(Self.small, to: "m/a.npy")
    #expect(symlink("gone", "\(folder.path)/m/latest") == 0)
    #expect(mkfifo("\(folder.path)/m/queue", 0o600) == 0)
    var name = Array("\(folder.path)/m/r".utf8CString.dropLast()) + [CChar(bitPattern: 0xE9)]
    name += Array(".txt".utf8CString)
    let number = open(name, O_CREAT | O_WRONLY, 0o600)
    #expect(number >= 0 && close(number) == 0)
    #expect(try ModelFiles(path: "\(folder.path)/m").layers.map(\.name) == ["a"])
    #expect(symlink("gone", "\(folder.path)/m/b.npy") == 0)
    expectFailure(at: "\(folder.path)/m", kind: .noInput, "b.npy")
  }

  @Test func refusesSockets() throws {
    let path = "\(folder.path)/s"
    let number = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(number) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafeBytes(of: &address) { bytes in
      bind(
        number, bytes.assumingMemoryBound(to: sockaddr.self).baseAddress,
        socklen_t(MemoryLayout<sockaddr_un>.size))
    }
    #expect(result == 0)
    expectFailure(at: path, kind: .noInput, "socket")
  }

  @Test func followsSymbolicLinksButNotInCircles() throws {
    try folder.write(Self.small, to: "a.npy")
    #expect(symlink("a.npy", "\(folder.path)/link.npy") == 0)
    #expect(try ModelFiles(path: "\(folder.path)/link.npy").name == "link")
    #expect(symlink("round.npy", "\(folder.path)/round.npy") == 0)
    expectFailure(at: "\(folder.path)/round.npy", kind: .noInput, "round.npy")
    expectFailure(at: folder.path, kind: .noInput, "round.npy")
  }

  @Test func refusesEmptyFilesAndFoldersInPlaceOfFiles() throws {
    expectFailure(at: try folder.write("", to: "a.npy"), "empty")
    try folder.write("", to: "m/layers.json/x")
    try folder.write(Self.small, to: "m/a.npy")
    expectFailure(at: "\(folder.path)/m", kind: .noInput, "layers.json", "folder")
    expectFailure(at: "\(folder.path)/m/a.npy/b.npy", kind: .noInput, "Not a directory")
  }

  @Test(.enabled(if: geteuid() != 0, "root may read everything"))
  func refusesUnreadableFiles() throws {
    let path = try folder.write(Self.small, to: "a.npy")
    #expect(chmod(path, 0) == 0)
    expectFailure(at: path, kind: .noInput, "Permission denied")
  }

  @Test(
    arguments: [
      ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A, 0], "HDF5"),
      ([0x80, 0x02, 0x8A, 0x0A], "torch.load"), ([0x80, 0x04, 0x95, 0x0A], "torch.load"),
      ([0x1F, 0x8B, 0x08], "gzip"), ([0x41], "begins with the bytes 41, expected .npy"),
      ([0x93, 0x4E, 0x55], "93 4e 55"),
    ] as [([UInt8], String)])
  func refusesOtherFormats(bytes: [UInt8], words: String) throws {
    // The extension promises what the content does not keep.
    expectFailure(at: try folder.write(bytes, to: "a.npy"), "a.npy", words)
  }

  @Test func tellsFormatsByContent() throws {
    #expect(try ModelFiles(path: try folder.write(Self.small, to: "a.npz")).name == "a")
    let tensors = SafetensorsFile.bytes([("x", [1], [1])])
    #expect(try ModelFiles(path: try folder.write(tensors, to: "b.bin")).name == "b.bin")
    // A header of 640 bytes makes the file begin like a pickle.
    let entry = SafetensorsFile.entry("x", shape: [1], offsets: [0, 4])
    let header = "{\(entry)}".padding(toLength: 640, withPad: " ", startingAt: 0)
    let bytes = SafetensorsFile.bytes(header: header, data: [0, 0, 0, 0])
    #expect(bytes.starts(with: [0x80, 0x02]))
    #expect(try ModelFiles(path: try folder.write(bytes, to: "c")).layers.count == 1)
  }
}
