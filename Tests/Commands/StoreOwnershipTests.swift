import Foundation
import TestSupport
import Testing

/// What lies in a store and is not the store's: it is neither deleted nor overwritten.
struct StoreOwnershipTests {
  private let cka: Cka
  private let pair = "store/results/pairs/a--b"

  init() throws {
    cka = try Cka()
    for (seed, name) in ["a", "b"].enumerated() { try write(name, seed: UInt64(seed)) }
    try sweep().expectSuccess()
  }

  private func write(_ name: String, seed: UInt64) throws {
    try cka.folder.write(TestModel(layers: 2, n: 32, seed: seed).npz, to: "\(name).npz")
  }

  private func sweep(_ options: String...) throws -> Run {
    try cka.run(
      ["sweep", "a.npz", "b.npz", "--output", "store", "--device", "cpu", "--batch-size", "16"]
        + options)
  }

  /// Files that a user keeps in the folder of a pair, and folders that are called like files of ours, are
  /// there when the pair has been written again; pictures of what it was are not.
  @Test func filesInPairsStay() throws {
    let others = ["notes.txt", "more/notes.txt", "report.html/notes.txt", ".hidden"]
    for name in others { try cka.folder.write("mine", to: "\(pair)/\(name)") }
    try cka("plot", pair).expectSuccess()
    #expect(cka.exists("\(pair)/heatmap.png"))
    // A run that was killed when the folders had changed places.
    try cka.folder.write("mine", to: "store/results/pairs/.a--a.partial-1/late.txt")
    try cka.folder.write("[]", to: "store/results/pairs/.a--a.partial-1/cka.npy")
    try write("b", seed: 7)
    let before = try cka.bytes("\(pair)/cka.npy")
    try sweep().expectSuccess(messages: 1)
    #expect(try cka.bytes("\(pair)/cka.npy") != before)
    for name in others {
      #expect(try cka.bytes("\(pair)/\(name)") == Array("mine".utf8), "\(name)")
    }
    #expect(!cka.exists("\(pair)/heatmap.png"))
    #expect(try cka.bytes("store/results/pairs/a--a/late.txt") == Array("mine".utf8))
    #expect(try cka.contents(of: "store/results/pairs") == ["a--a", "a--b", "b--b"])
  }

  /// Results behind a link: folders that are called like ours lie there.
  @Test(arguments: ["results", "results/pairs", "results/groups"]) func linksAreNotFollowed(
    folder: String
  ) throws {
    try cka.folder.write("mine", to: "other/a--b/cka.npy")
    try cka.folder.write("mine", to: "other/pairs/.a--b.partial-1/cka.npy")
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/store/\(folder)")
    symlink("\(cka.folder.path)/other", "\(cka.folder.path)/store/\(folder)")
    try sweep().expectFailure(73, "store/\(folder): is a symbolic link")
    for name in ["other/a--b/cka.npy", "other/pairs/.a--b.partial-1/cka.npy"] {
      #expect(try cka.bytes(name) == Array("mine".utf8))
    }
    #expect(try cka.contents(of: "other") == ["a--b", "pairs"])
  }

  @Test func aLinkedPairIsNotReplaced() throws {
    try cka.folder.write("mine", to: "other/notes.txt")
    try FileManager.default.removeItem(atPath: "\(cka.folder.path)/\(pair)")
    symlink("\(cka.folder.path)/other", "\(cka.folder.path)/\(pair)")
    try sweep("--quiet").expectFailure(73, "a--b", "cannot be written")
    #expect(try cka.contents(of: "other") == ["notes.txt"])
  }
}
