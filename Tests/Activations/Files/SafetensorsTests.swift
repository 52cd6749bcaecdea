import ActivationFiles
import Activations
import Foundation
import TestSupport
import Testing

@Suite struct SafetensorsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private func write(_ header: String, data count: Int = 8, length: UInt64? = nil) throws -> String
  {
    try folder.write(
      SafetensorsFile.bytes(
        header: header, data: [UInt8](repeating: 0, count: count), length: length),
      to: "a.safetensors")
  }

  @Test(arguments: ScalarType.allCases)
  func readsEveryType(type: ScalarType) throws {
    let values: [Double] = type == .bool ? [0, 1, 1, 0] : [1, 2, 3, 96]
    let bytes = SafetensorsFile.bytes([("x", [2, 2], values)], type: type)
    let model = try ModelFiles(path: try folder.write(bytes, to: "net.safetensors"))
    #expect(model.name == "net")
    #expect(model.layers[0].scalarType == type)
    #expect(model.layers[0].rows == [Array(values[..<2]), Array(values[2...])])
  }

  /// The format's own writer sorts names as text, so that layer10 came before layer2.
  @Test func ordersLayersNaturally() throws {
    let names = ["layer0", "layer1", "layer10", "layer11", "layer2", "b\\n\\u00e9,\\ud83d\\ude00"]
    var entries = names.enumerated().map {
      SafetensorsFile.entry($1, shape: [1, 2], offsets: [8 * $0, 8 * $0 + 8])
    }
    entries.insert("\"__metadata__\":{\"format\":\"pt\"}", at: 1)
    let bytes = SafetensorsFile.bytes(
      header: "{\(entries.joined(separator: ", "))}   ", data: [UInt8](repeating: 0, count: 48))
    let model = try ModelFiles(path: try folder.write(bytes, to: "a.safetensors"))
    #expect(
      model.layers.map(\.name) == [
        "b\né,😀", "layer0", "layer1", "layer2", "layer10", "layer11",
      ])
    try folder.write(bytes, to: "shards/a.safetensors")
    try folder.write(bytes, to: "shards/b.safetensors")
    #expect(
      try ModelFiles(path: "\(folder.path)/shards").layers.map(\.name) == model.layers.map(\.name))
  }

  @Test func metadataGivesTheOrderOfLayers() throws {
    let list = #"[{\"name\": \"b\", \"stage\": 1}, {\"name\": \"a\"}]"#
    let header =
      "{\"__metadata__\":{\"cka.layers\":\"\(list)\"},"
      + SafetensorsFile.entry("a", shape: [1], offsets: [0, 4]) + ","
      + SafetensorsFile.entry("b", shape: [1], offsets: [4, 8]) + "}"
    let path = try write(header)
    let model = try ModelFiles(path: path)
    #expect(model.layers.map(\.name) == ["b", "a"])
    #expect(model.layers.map(\.stage) == ["1", nil])
    try folder.write(#"{"layers": [{"name": "a"}, {"name": "b"}]}"#, to: "layers.json")
    #expect(try ModelFiles(path: path).layers.map(\.name) == ["a", "b"])
    try FileManager.default.removeItem(atPath: "\(folder.path)/layers.json")
    expectFailure(
      at: try write(header.replacing("stage", with: "color")), "metadata 'cka.layers'", "'color'")
  }

  private static let x = SafetensorsFile.entry("x", shape: [1, 2], offsets: [0, 8])

  static let bad: [(String, String)] = [
    ("{\(x.replacingDtype("F8_E8M0"))}", "F8_E8M0"),
    ("{\(x.replacingDtype("C64"))}", "C64"),
    ("{\(x),\(x)}", "twice"),
    ("{\"x\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", "twice"),
    ("{}", "no tensors"),
    ("{\"__metadata__\":{}}", "no tensors"),
    ("{\"__metadata__\":1,\(x)}", "__metadata__"),
    ("{\"x\":[]}", "expected an object"),
    ("{\"x\":{\"dtype\":\"F32\"}}", "expected the keys"),
    ("{\"x\":{\"dtype\":1}}", "expected a string"),
    ("{\"x\":{\"extra\":1}}", "unknown key"),
    ("{\"x\":{\"shape\":[1.0]}}", "integers"),
    ("{\"x\":{\"shape\":[-1]}}", "integers"),
    ("{\"x\":{\"shape\":[9223372036854775808]}}", "integers"),
    ("{\"x\":{\"shape\":2}}", "expected an array"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 2], offsets: [8, 0]))}", "[begin, end]"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 2], offsets: [0, 8, 8]))}", "[begin, end]"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 2], offsets: [0, 4]))}", "span 4 bytes"),
    ("{\(SafetensorsFile.entry("x", dtype: "F64", shape: [], offsets: [0, 8]))}", "0-D"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 4], offsets: [0, 16]))}", "cut short"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 1], offsets: [0, 4]))}", "promises only 4"),
    ("{\(SafetensorsFile.entry("x", shape: [1, 1], offsets: [4, 8]))}", "gap"),
    (
      "{\(SafetensorsFile.entry("x", shape: [1, 2], offsets: [0, 8])),"
        + "\(SafetensorsFile.entry("y", shape: [1], offsets: [4, 8]))}", "overlaps"
    ),
    (
      "{\(SafetensorsFile.entry("x", shape: [4611686018427387904, 8], offsets: [0, 0]))}",
      "more numbers"
    ),
    (
      "{\(SafetensorsFile.entry("x", shape: [1, 2], offsets: [.max - 8, .max]))}",
      "gap"
    ),
    ("{\(x)}}", "nothing after"),
    ("{\(x),}", "expected a key"),
    ("{\(x)", "expected '}'"),
  ]

  @Test(arguments: bad)
  func refusesBadHeaders(header: String, word: String) throws {
    expectFailure(at: try write(header), "a.safetensors", word)
  }

  @Test func refusesLyingLengths() throws {
    let header = "{\(Self.x)}"
    for (length, word) in [
      (1 << 63, "at most"), (.max, "at most"), (100_000_001, "at most"),
      (99_999_999, "cut short"), (UInt64(header.utf8.count + 9), "cut short"),
      (UInt64(header.utf8.count + 8), "JSON"), (UInt64(header.utf8.count - 1), "JSON"),
    ] as [(UInt64, String)] {
      expectFailure(at: try write(header, length: length), word)
    }
  }

  @Test func refusesEveryPrefix() throws {
    let bytes = SafetensorsFile.bytes([("x", [2, 2], [1, 2, 3, 4]), ("y", [2], [5, 6])])
    _ = try ModelFiles(path: try folder.write(bytes, to: "a.safetensors"))
    for count in bytes.indices {
      expectFailure(at: try folder.write(Array(bytes[..<count]), to: "a.safetensors"), "a.safet")
    }
  }

  @Test(arguments: ["[", "{\"a\":"])
  func refusesDepthBombs(opening: String) throws {
    let header = "{\"x\":" + String(repeating: opening, count: 100_000)
    expectFailure(at: try write(header), "levels deep")
  }

  @Test func refusesDifferentExampleCounts() throws {
    let bytes = SafetensorsFile.bytes([("x", [2, 1], [1, 2]), ("y\\n", [3, 1], [1, 2, 3])])
    expectFailure(at: try folder.write(bytes, to: "a.safetensors"), "'x' has 2", "'y\\n' has 3")
  }
}

extension String {
  fileprivate func replacingDtype(_ dtype: String) -> String {
    replacing("F32", with: dtype)
  }
}
