import Activations
import Foundation
import TestSupport
import Testing

@testable import ActivationFiles

@Suite struct ModelFilesTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let small = NPYFile.bytes([1, 2, 3, 4], shape: [2, 2])

  /// A shard of the layers `names`, its numbers counted up from `start`.
  private static func shard(
    _ names: [String], examples: Int, from start: Double = 0, features: Int = 2,
    type: ScalarType = .float32, bigEndian: Bool = false, fortran: Bool = false
  ) -> [UInt8] {
    let values = (0..<(examples * features)).map { start + Double($0) }
    return ZipFile.bytes(
      names.map {
        (
          "\($0).npy",
          NPYFile.bytes(
            values, shape: [examples, features], type: type, bigEndian: bigEndian, fortran: fortran)
        )
      })
  }

  @Test func readsAFolderInNaturalOrder() throws {
    for name in ["layer10.npy", "layer2.npy", "layer1", "head.npy"] {
      try folder.write(Self.small, to: "net.v2/\(name)")
    }
    for name in [".hidden", "README.md", "notes.TXT", "map.png", "sub/x.npy", "result.json"] {
      try folder.write("no activations", to: "net.v2/\(name)")
    }
    let model = try ModelFiles(path: "\(folder.path)/net.v2/")
    #expect(model.name == "net.v2")
    #expect(model.layers.map(\.name) == ["head", "layer1", "layer2", "layer10"])
    #expect(model.exampleIDs == nil)
  }

  @Test func refusesFoldersItCannotUnderstand() throws {
    expectFailure(at: folder.path, kind: .noInput, "found no activations")
    try folder.write(Self.small, to: "a.npy")
    let text = try folder.write("hello, world", to: "broken.npy")
    expectFailure(at: folder.path, "/broken.npy", "68 65 6c 6c")
    try FileManager.default.removeItem(atPath: text)
    try folder.write(Self.shard(["x"], examples: 2), to: "b.npz")
    expectFailure(at: folder.path, "b.npz", "found a .npz file", "a.npy")
    try FileManager.default.removeItem(atPath: "\(folder.path)/b.npz")
    try folder.write(Self.small, to: "a")
    expectFailure(at: folder.path, "'a' twice")
    try folder.write(NPYFile.bytes([1], shape: [1, 1]), to: "a")
    expectFailure(at: folder.path, "twice")
  }

  @Test func namesLayersOfDifferentExampleCounts() throws {
    try folder.write(Self.small, to: "a.npy")
    try folder.write(NPYFile.bytes([1], shape: [1, 1]), to: "b.npy")
    expectFailure(at: folder.path, "'a' has 2 examples", "'b' has 1")
  }

  @Test func joinsShards() throws {
    try folder.write(Self.shard(["x", "y"], examples: 2, from: 100), to: "part10.npz")
    try folder.write(Self.shard(["x", "y"], examples: 3), to: "part1.npz")
    try folder.write(Self.shard(["y", "x"], examples: 1, from: 50), to: "part2.npz")
    let model = try ModelFiles(path: folder.path)
    #expect(model.layers.map(\.name) == ["x", "y"])
    let expected: [[Double]] = [[0, 1], [2, 3], [4, 5], [50, 51], [100, 101], [102, 103]]
    #expect(model.layers[0].rows == expected)
    #expect(model.layers[1].rows == expected)
    #expect(model.layers[0].blocks.map(\.firstExample) == [0, 3, 4])
  }

  @Test func joinsSafetensorsAndFortranShards() throws {
    try folder.write(SafetensorsFile.bytes([("x", [1, 1], [1])]), to: "s/a.safetensors")
    try folder.write(SafetensorsFile.bytes([("x", [2, 1], [2, 3])]), to: "s/b.safetensors")
    #expect(try ModelFiles(path: "\(folder.path)/s").layers[0].rows == [[1], [2], [3]])
    try folder.write(Self.shard(["x"], examples: 2, fortran: true), to: "f/a.npz")
    try folder.write(Self.shard(["x"], examples: 1, from: 7), to: "f/b.npz")
    try folder.write(Self.shard(["x"], examples: 2, from: 10, fortran: true), to: "f/c.npz")
    let expected: [[Double]] = [[0, 2], [1, 3], [7, 8], [10, 12], [11, 13]]
    #expect(try ModelFiles(path: "\(folder.path)/f").layers[0].rows == expected)
  }

  @Test func aFolderOfOneShardIsAModel() throws {
    try folder.write(Self.shard(["x"], examples: 2), to: "only.npz")
    #expect(try ModelFiles(path: folder.path).layers.map(\.name) == ["x"])
  }

  @Test func layersJSONGivesOrderStagesAndExamples() throws {
    try folder.write(Self.small, to: "m/a.npy")
    try folder.write(Self.small, to: "m/b.npy")
    try folder.write(
      #"{"layers": [{"name": "b", "stage": 2}, {"name": "a", "stage": "s"}], "examples": ["i", 7]}"#,
      to: "m/layers.json")
    let model = try ModelFiles(path: "\(folder.path)/m")
    #expect(model.layers.map(\.name) == ["b", "a"])
    #expect(model.layers.map(\.stage) == ["2", "s"])
    #expect(model.exampleIDs == ["i", "7"])
    // A single file of the folder takes what concerns it.
    let single = try ModelFiles(path: "\(folder.path)/m/a.npy")
    #expect(single.layers.map(\.stage) == ["s"])
    #expect(single.exampleIDs == ["i", "7"])
    try folder.write(NPYFile.bytes([1], shape: [1, 1]), to: "m/a.npy")
    expectFailure(at: "\(folder.path)/m/a.npy", "layers.json", "2 examples, the model has 1")
  }

  @Test func layersJSONBesideAFile() throws {
    try folder.write(
      #"{"layers": [{"name": "y"}, {"name": "x", "stage": null}]}"#, to: "layers.json")
    let path = try folder.write(Self.shard(["x", "y"], examples: 2), to: "a.npz")
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["y", "x"])
    #expect(model.layers.map(\.stage) == [nil, nil])
    #expect(model.exampleIDs == nil)
  }

  @Test(arguments: [
    (#"{"layers": [{"name": "x"}]}"#, "does not list the model's layer 'y'"),
    (#"{"layers": [{"name": "x"}, {"name": "y"}, {"name": "z"}]}"#, "lists the layer 'z'"),
    (#"{"layers": [{"name": "x"}, {"name": "x"}]}"#, "'x' twice"),
    (#"{"layers": [{"stage": "x"}]}"#, "no name"),
    (#"{"layers": [{"name": 1}]}"#, "expected a string"),
    (#"{"layers": [{"name": "x", "stage": 1.5}]}"#, "string or an integer"),
    (#"{"layers": [{"name": "x", "size": 1}]}"#, "'size'"),
    (#"{"layers": ["x"]}"#, "expected an object"), (#"{"layers": {}}"#, "expected an array"),
    (#"{"layer": []}"#, "'layer'"), ("[]", "expected an object"), ("", "empty"), ("{", "JSON"),
    (#"{"examples": [1]}"#, "lists 1 examples, the model has 2"),
    (#"{"examples": [1, "1"]}"#, "'1' twice"), (#"{"examples": [1, 1.5]}"#, "a number"),
    (#"{"examples": 2}"#, "expected an array"), (#"{"examples": [1, 2], "examples": []}"#, "twice"),
  ])
  func refusesBadLists(json: String, words: String) throws {
    try folder.write(json, to: "layers.json")
    let path = try folder.write(Self.shard(["x", "y"], examples: 2), to: "a.npz")
    expectFailure(at: path, "layers.json: ", words)
    expectFailure(at: folder.path, "layers.json: ", words)
  }

  @Test func comparesNamesNaturally() {
    let sorted = [
      "", "a", "a0", "a00", "a1", "a01", "a2", "a2b", "a10", "a10.1", "a10.9", "a10.10",
    ]
    for (i, left) in sorted.enumerated() {
      for (j, right) in sorted.enumerated() where left != "a01" && right != "a01" {
        #expect(naturallyPrecedes(left, right) == (i < j), "\(left) \(right)")
      }
    }
    #expect(naturallyPrecedes("a01", "a1") != naturallyPrecedes("a1", "a01"))
    #expect(naturallyPrecedes("x99999999999999999998", "x99999999999999999999"))
    #expect(naturallyPrecedes("B", "a"))
  }
}
