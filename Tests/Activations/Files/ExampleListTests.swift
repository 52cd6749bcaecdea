import Foundation
import TestSupport
import Testing

@testable import ActivationFiles

@Suite struct ExampleListTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let twoExamples = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2])

  @Test(arguments: ["a\nb c\n", "a\nb c", "a\r\nb c\r\n"])
  func readsOneIDALine(text: String) throws {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    try folder.write(text, to: "net/examples.txt")
    #expect(try ModelFiles(path: "\(folder.path)/net").exampleIDs == ["a", "b c"])
  }

  @Test func standsBesideASingleFileByItsName() throws {
    for name in ["first", "second"] {
      try folder.write(Self.twoExamples, to: "\(name).npy")
      try folder.write("\(name)-0\n\(name)-1\n", to: "\(name).examples.txt")
    }
    let model = try ModelFiles(path: "\(folder.path)/second.npy")
    #expect(model.exampleIDs == ["second-0", "second-1"])
  }

  @Test(
    arguments: [
      ("a\n", "lists 1 examples, the model has 2"), ("a\nb\nc\n", "lists 3 examples"),
      ("a\na\n", "'a' twice, in lines 1 and 2"), ("a\n\nb\n", "line 2 is empty"),
      ("", "the file is empty"),
    ])
  func refusesListsThatDoNotFit(text: String, message: String) throws {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    try folder.write(text, to: "net/examples.txt")
    expectFailure(at: "\(folder.path)/net", "examples.txt", message)
  }

  @Test func refusesWhatIsNotText() throws {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    try folder.write([0xFF, 0xFE, 0x0A], to: "net/examples.txt")
    expectFailure(at: "\(folder.path)/net", "examples.txt", "not UTF-8")
  }

  @Test func refusesTwoLists() throws {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    try folder.write("a\nb\n", to: "net/examples.txt")
    try folder.write("{\"examples\": [\"a\", \"b\"]}", to: "net/layers.json")
    expectFailure(at: "\(folder.path)/net", "examples.txt", "and in layers.json")
  }

  /// Swift takes both for equal.
  @Test func idsThatLookTheSameAreTwo() throws {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    try folder.write("\u{E9}\ne\u{301}\n", to: "net/examples.txt")
    #expect(try ModelFiles(path: "\(folder.path)/net").exampleIDs?.count == 2)
  }

  /// Lists of any length were once read whole. These are holes in a file: they take no room.
  @Test(arguments: ["examples.txt", "layers.json"]) func refusesListsOfAnyLength(name: String)
    throws
  {
    try folder.write(Self.twoExamples, to: "net/x.npy")
    let path = try folder.write("a\n", to: "net/\(name)")
    #expect(truncate(path, MappedFile.longestList + 1) == 0)
    expectFailure(at: "\(folder.path)/net", name, "268435457 bytes", "at most 268435456 (256 MiB)")
  }
}
