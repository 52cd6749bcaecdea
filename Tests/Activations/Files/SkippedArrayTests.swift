import ActivationFiles
import Activations
import Foundation
import TestSupport
import Testing

/// Arrays that are no layers, beside others that are.
@Suite struct SkippedArrayTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Counts up from 1; float32.
  static func array(_ shape: Int..., type: ScalarType = .float32) -> [UInt8] {
    NPYFile.bytes((1...shape.reduce(1, *)).map(Double.init), shape: shape, type: type)
  }

  /// An array whose numbers are not looked at.
  static func other(_ descr: String, shape: [Int]) -> [UInt8] {
    NPYFile.bytes(header: NPYFile.header(descr: descr, shape: shape), data: [0, 0, 0, 0])
  }

  static let layer = array(3, 2)

  private func npz(_ members: [(String, [UInt8])]) throws -> String {
    try folder.write(ZipFile.bytes(members.map { (name: $0, data: $1) }), to: "a.npz")
  }

  /// One array that is no layer made the whole file unreadable.
  @Test(arguments: [
    (other("<i8", shape: []), "0-D"), (other("|O", shape: []), "never unpickled"),
    (other("<U4", shape: [3]), "strings"), (other("<c8", shape: [3]), "complex"),
    (other("<M8[s]", shape: [3]), "dates"), (other("<f4", shape: [0, 2]), "0 examples"),
    (other("<f4", shape: [3, 0]), "0 features"),
    (
      NPYFile.bytes(
        header: "{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,)}",
        data: [0, 0, 0, 0]), "structured"
    ),
    (array(6, 2), "has 6 examples, the model's layers have 3"),
  ])
  func leavesOutWhatCannotBeALayer(bytes: [UInt8], words: String) throws {
    let path = try npz([("a.npy", Self.layer), ("meta.npy", bytes), ("b.npy", Self.layer)])
    try folder.write(Self.layer, to: "m/a.npy")
    try folder.write(bytes, to: "m/meta.npy")
    try folder.write(Self.layer, to: "m/b.npy")
    for path in [path, "\(folder.path)/m"] {
      let model = try ModelFiles(path: path)
      #expect(model.layers.map(\.name) == ["a", "b"])
      #expect(model.skipped.map(\.name) == ["meta"])
      #expect(model.skipped[0].reason.contains(words), "\(model.skipped)")
      #expect(!model.skipped[0].reason.contains("meta"))
    }
  }

  @Test func namesThemWhereNothingElseIsThere() throws {
    expectFailure(at: try npz([("meta.npy", Self.other("|O", shape: []))]), "'meta.npy'", "'|O'")
    try folder.write("hello, world", to: "m/run.log")
    expectFailure(at: "\(folder.path)/m", "run.log", "68 65")
  }

  @Test func aDamagedFileStaysAnError() throws {
    let short = Array(Self.layer.dropLast())
    expectFailure(at: try npz([("a.npy", Self.layer), ("b.npy", short)]), "'b.npy'", "cut short")
    try folder.write(Self.layer, to: "m/a.npy")
    try folder.write(short, to: "m/b.npy")
    expectFailure(at: "\(folder.path)/m", "b.npy", "cut short")
    try folder.write([], to: "m/b.npy")
    expectFailure(at: "\(folder.path)/m", "b.npy", "empty")
  }

  @Test func filesWithoutActivationsAreLeftOutOfAFolder() throws {
    try folder.write(Self.layer, to: "m/a.npy")
    try folder.write("hello, world", to: "m/run.log")
    try folder.write([], to: "m/_SUCCESS")
    try folder.write([0x80, 2, 0x7D], to: "m/weights.pt")
    let model = try ModelFiles(path: "\(folder.path)/m")
    #expect(model.layers.map(\.name) == ["a"])
    #expect(model.skipped.map(\.name) == ["_SUCCESS", "run.log", "weights.pt"])
  }

  @Test func membersThatAreNoArraysAreLeftOutOfAnArchive() throws {
    let path = try npz([("a.npy", Self.layer), ("notes.txt", [1])])
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["a"])
    #expect(model.skipped.map(\.name) == ["notes.txt"])
  }

  @Test func tensorsThatCannotBeLayersAreLeftOut() throws {
    let header = [
      SafetensorsFile.entry("epoch", dtype: "I64", shape: [], offsets: [0, 8]),
      SafetensorsFile.entry("none", shape: [0, 2], offsets: [8, 8]),
      SafetensorsFile.entry("scale", dtype: "C64", shape: [1], offsets: [8, 16]),
      SafetensorsFile.entry("x", shape: [2, 1], offsets: [16, 24]),
    ].joined(separator: ",")
    let data =
      [UInt8](repeating: 0, count: 16) + [1, 2].flatMap { ScalarType.float32.bytes(of: $0) }
    let path = try folder.write(
      SafetensorsFile.bytes(header: "{\(header)}", data: data), to: "a.safetensors")
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["x"])
    #expect(model.layers[0].rows == [[1], [2]])
    #expect(model.skipped.map(\.name) == ["epoch", "none", "scale"])
  }

  // MARK: choosing layers

  private func reused() throws -> ModelContents {
    try ModelContents(
      path: npz([
        ("conv1.npy", Self.array(3, 2)), ("relu.npy", Self.array(6, 2)),
        ("fc.npy", Self.array(3, 4)), ("epoch.npy", Self.other("<i8", shape: [])),
      ]))
  }

  private func names(_ names: String...) -> [(String) -> Bool] {
    names.map { name in { $0 == name } }
  }

  @Test func mostLayersDecideTheNumberOfExamples() throws {
    let model = try reused().model()
    #expect(model.layers.map(\.name) == ["conv1", "fc"])
    #expect(model.exampleCount == 3)
    #expect(model.skipped.map(\.name) == ["epoch", "relu"])
  }

  @Test func onlyChosenLayersMustAgree() throws {
    let alone = try reused().model(choosing: names("relu"))
    #expect(alone.layers.map(\.name) == ["relu"])
    #expect(alone.exampleCount == 6)
    #expect(alone.skipped.isEmpty)
    let two = try reused().model(choosing: names("fc", "conv1"))
    #expect(two.layers.map(\.name) == ["conv1", "fc"])
    #expect(two.skipped.isEmpty)
    // A pattern that finds layers may find other arrays, too.
    let all = try reused().model(choosing: [{ _ in true }])
    #expect(all.layers.map(\.name) == ["conv1", "fc"])
    #expect(all.skipped.map(\.name) == ["epoch", "relu"])
  }

  private func expectNoModel(
    choosing choices: [(String) -> Bool], _ words: String...,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let contents = try reused()
    do throws(ActivationFileError) {
      let model = try contents.model(choosing: choices)
      Issue.record("chose \(model.layers.map(\.name))", sourceLocation: sourceLocation)
    } catch {
      #expect(error.kind == .data, sourceLocation: sourceLocation)
      for word in words {
        #expect(error.description.contains(word), "\(error)", sourceLocation: sourceLocation)
      }
    }
  }

  @Test func choosingWhatIsNoLayerIsAnError() throws {
    try expectNoModel(choosing: names("epoch"), "'epoch.npy'", "0-D")
    try expectNoModel(choosing: names("conv1", "epoch"), "'epoch.npy'", "0-D")
    try expectNoModel(
      choosing: names("conv1", "fc", "relu"), "'relu' has 6 examples, the model's layers have 3")
    try expectNoModel(choosing: names("conv1", "relu"), "'conv1' has 3", "'relu' has 6")
  }

  @Test func sampleIDsDecideWhereAsManyLayersHaveEitherNumber() throws {
    let path = try npz([("a.npy", Self.array(3, 2)), ("b.npy", Self.array(2, 2))])
    expectFailure(at: path, "'a' has 3 examples", "'b' has 2")
    #expect(try !ModelContents(path: path).hasOneExampleCount)
    try folder.write("x\ny\n", to: "a.examples.txt")
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["b"])
    #expect(model.skipped.map(\.name) == ["a"])
  }

  @Test func listedLayersDecideTheNumberOfExamples() throws {
    try folder.write(#"{"layers": [{"name": "relu"}]}"#, to: "layers.json")
    let model = try reused().model()
    #expect(model.layers.map(\.name) == ["relu"])
    #expect(model.skipped.map(\.name) == ["epoch", "conv1", "fc"])
    try folder.write(#"{"layers": [{"name": "fc"}, {"name": "conv1"}]}"#, to: "layers.json")
    #expect(try reused().model().layers.map(\.name) == ["fc", "conv1"])
    #expect(try reused().model(choosing: names("conv1")).layers.map(\.name) == ["conv1"])
    try folder.write(#"{"layers": [{"name": "fc"}, {"name": "epoch"}]}"#, to: "layers.json")
    try expectNoModel(choosing: [], "lists the layer 'epoch'", "0-D")
  }

  // MARK: shards

  static let unlike: [([UInt8]?, String)] = [
    (nil, "lacks the layer 'y'"),
    (array(2, 3), "as 2 × 3, expected examples of 2 × 2"),
    (array(2, 2, type: .float64), "as float64, expected float32"),
    (NPYFile.bytes([1, 2, 3, 4], shape: [2, 2], bigEndian: true), "another byte order"),
    (
      NPYFile.bytes([1, 2, 3, 4], shape: [2, 2], fortran: true),
      "in Fortran order, expected C order"
    ),
    (other("|O", shape: [2, 2]), "never unpickled"),
  ]

  /// A layer that its shards have differently cannot be joined.
  @Test(arguments: unlike)
  func leavesOutLayersThatDifferBetweenShards(second: [UInt8]?, words: String) throws {
    let y = Self.array(2, 2)
    try folder.write(ZipFile.bytes([("x.npy", y), ("y.npy", y)]), to: "a.npz")
    let members = [("x.npy", y)] + (second.map { [("y.npy", $0)] } ?? [])
    try folder.write(ZipFile.bytes(members.map { (name: $0, data: $1) }), to: "b.npz")
    let contents = try ModelContents(path: folder.path)
    let model = try contents.model()
    #expect(model.layers.map(\.name) == ["x"])
    #expect(model.layers[0].shape.exampleCount == 4)
    #expect(model.skipped.map(\.name) == ["y"])
    #expect(model.skipped[0].reason.contains(words), "\(model.skipped)")
    #expect(model.skipped[0].reason.contains("b.npz"))
    #expect(throws: ActivationFileError.self) { try contents.model(choosing: names("y")) }
  }

  @Test func leavesOutWhatOnlySomeShardsHave() throws {
    let x = Self.array(2, 2)
    try folder.write(
      ZipFile.bytes([("x.npy", x), ("epoch.npy", Self.other("<i8", shape: []))]), to: "a.npz")
    try folder.write(ZipFile.bytes([("x.npy", x), ("z.npy", x)]), to: "b.npz")
    let model = try ModelFiles(path: folder.path)
    #expect(model.layers.map(\.name) == ["x"])
    #expect(model.skipped.map(\.name) == ["epoch", "z"])
    #expect(model.skipped[1].reason.contains("additional layer 'z'"))
  }

  /// Layers of as many examples in all, but not in each shard, do not hold the same examples.
  @Test func layersOfAShardMustHaveTheSameExamples() throws {
    func shard(_ a: Int, _ b: Int, _ c: Int) -> [UInt8] {
      ZipFile.bytes([
        ("a.npy", Self.array(a, 1)), ("b.npy", Self.array(b, 1)), ("c.npy", Self.array(c, 1)),
      ])
    }
    try folder.write(shard(2, 3, 2), to: "a.npz")
    try folder.write(shard(3, 2, 3), to: "b.npz")
    let model = try ModelFiles(path: folder.path)
    #expect(model.layers.map(\.name) == ["a", "c"])
    #expect(model.skipped[0].reason == "has 3 + 2 examples, the model's layers have 2 + 3")
  }

  // MARK: long names

  /// A file name may have 255 bytes; that of its companion would be longer, and cannot be there.
  @Test func readsAFileWithALongName() throws {
    let name = String(repeating: "n", count: 251) + ".npy"
    let model = try ModelFiles(path: try folder.write(Self.layer, to: name))
    #expect(model.layers.count == 1)
  }
}
