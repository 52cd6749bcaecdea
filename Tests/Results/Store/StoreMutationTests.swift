import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Stores whose numbers were changed and whose checksums are right all the same: each is refused as
/// damaged, or gives what it gave before. None ends the process or takes time or memory by a number that
/// a file claims.
@Suite struct StoreMutationTests {
  /// What takes the place of a number in a document.
  static let replacements = [
    "-1", "0", "1", "2147483648", "9223372036854775807", "1e308", "null", "\"x\"",
  ]

  /// A small store, and two shares of the same minibatches.
  private struct Stores {
    let study: Study
    let models: [String]
    let bits: [[UInt64]]
    let files: [String: [String: Data]]

    init() throws {
      study = try Study(batchSize: 8)
      models = [
        try study.write("a", seed: 1, layers: 2, n: 17),
        try study.write("b", seed: 2, layers: 3, n: 17),
      ]
      try study.sweep("store", models)
      bits = try study.bits("store")
      for index in 1...2 {
        try study.sweep("share\(index)", models, shard: Shard(index: index, count: 2))
      }
      var files: [String: [String: Data]] = [:]
      for store in ["store", "share1", "share2"] { files[store] = try study.files(store) }
      self.files = files
    }

    func restore(_ store: String) throws {
      try? FileManager.default.removeItem(atPath: study.path(store))
      for (name, data) in try #require(files[store]) {
        try study.folder.write([UInt8](data), to: "\(store)/\(name)")
      }
    }

    /// Reads, goes on with and joins stores in which the file `name` holds `bytes`.
    ///
    /// - Parameter isOfNumbers: whether the file holds numbers of the map, so that others make another map.
    /// - Returns: whether a reader refused it.
    func isRefused(
      _ name: String, _ bytes: [UInt8], in stores: [String], _ what: String,
      isOfNumbers: Bool = false
    ) throws -> Bool {
      var isRefused = false
      for store in stores { try study.folder.write(bytes, to: "\(store)/\(name)") }
      func mayFail(_ body: () throws -> Void) {
        do {
          try body()
        } catch let error as StoreError {
          #expect(error.kind == .data, "\(what): \(error)")
          #expect(!error.description.contains("\n"))
          isRefused = true
        } catch {
          Issue.record("\(what): \(error)")
        }
      }
      if stores == ["store"] {
        mayFail {
          let found = try study.bits("store")
          #expect(isOfNumbers || found == bits, "\(what)")
        }
        let isRefusedByReader = isRefused
        mayFail {
          try study.sweep("store", models)
          // What was made again is what was there.
          let found = try study.bits("store")
          #expect(isOfNumbers && !isRefusedByReader || found == bits, "\(what)")
        }
        isRefused = isRefusedByReader
      } else {
        mayFail {
          let merge = try StoreMerge(["share1", "share2"].map(study.path))
          try merge.write(to: study.path("merged"))
          let found = try study.bits("merged")
          #expect(isOfNumbers || found == bits, "\(what)")
        }
        try? FileManager.default.removeItem(atPath: study.path("merged"))
      }
      for store in stores { try restore(store) }
      return isRefused
    }
  }

  /// The places of all numbers of a JSON value.
  private func numbers(in value: Any, at path: [String] = []) -> [[String]] {
    switch value {
    case let object as [String: Any]:
      object.sorted { $0.key < $1.key }.flatMap { numbers(in: $0.value, at: path + [$0.key]) }
    case let array as [Any]:
      array.enumerated().flatMap { numbers(in: $0.element, at: path + ["\($0.offset)"]) }
    case is NSNumber: [path]
    default: []
    }
  }

  private func replacing(_ value: Any, at path: ArraySlice<String>, by new: Any) -> Any {
    guard let key = path.first else { return new }
    if var object = value as? [String: Any], let old = object[key] {
      object[key] = replacing(old, at: path.dropFirst(), by: new)
      return object
    }
    guard var array = value as? [Any], let index = Int(key) else { return value }
    array[index] = replacing(array[index], at: path.dropFirst(), by: new)
    return array
  }

  /// A document with `content`, and the checksum of that where it has one.
  private func document<Content: Codable>(_ content: Any, _ type: Content.Type) throws -> [UInt8] {
    let data = try JSONSerialization.data(withJSONObject: content, options: .fragmentsAllowed)
    if let decoded = try? JSONDecoder().decode(type, from: data) {
      return try CheckedDocument<Content>.bytes(decoded)
    }
    let text = String(decoding: data, as: UTF8.self)
    return Array(
      "{\"checksum\": \"\(String(repeating: "0", count: 32))\", \"content\": \(text)}".utf8)
  }

  @Test(arguments: [false, true]) func numbersOfDocumentsAreNotTrusted(isMerged: Bool) throws {
    let stores = try Stores()
    let names = isMerged ? ["share1"] : ["store"]
    let files = try #require(stores.files[names[0]])
    var count = 0
    for (name, data) in files.sorted(by: { $0.key < $1.key }) where name.hasSuffix(".json") {
      let old = try JSONSerialization.jsonObject(with: data) as? [String: Any]
      let content = try #require(old?["content"])
      for path in numbers(in: content) {
        for text in Self.replacements {
          let new = try JSONSerialization.jsonObject(
            with: Data(text.utf8), options: .fragmentsAllowed)
          let changed = replacing(content, at: path[...], by: new)
          let bytes =
            name == "store.json"
            ? try document(changed, Store.Document.self) : try document(changed, ModelEntry.self)
          _ = try stores.isRefused(name, bytes, in: names, "\(name) \(path) \(text)")
          count += 1
        }
      }
    }
    #expect(count > 250, "there are more numbers")
  }

  /// Settings and counts that no store has, without a model that contradicts them: once traps, or work
  /// without end.
  @Test(arguments: [
    ("settings.passes", -1), ("settings.passes", 1 << 31), ("settings.passes", .max),
    ("settings.batchSize", 0), ("settings.batchSize", -5), ("exampleCount", -1),
    ("exampleCount", 1 << 31), ("exampleCount", .max), ("settings.exampleLimit", 1),
  ]) func countsOutOfRangeAreRefused(field: String, value: Int) throws {
    let study = try Study(batchSize: 8)
    let model = try study.write("a", seed: 1, layers: 2, n: 17)
    var document = Store.Document(settings: study.settings, exampleCount: 17)
    switch field {
    case "exampleCount": document.exampleCount = value
    case "settings.passes": document.settings.passes = value
    case "settings.batchSize": document.settings.batchSize = value
    default: document.settings.exampleLimit = value
    }
    try Store.write(document, to: study.path("store"))
    let isRead = field == "exampleCount" && value == 1 << 31
    expectError(.data, "store.json", isRead ? "minibatches" : field, "expected") {
      try study.sweep("store", [model])
    }
    expectError(.data, "store.json", "expected") { _ = try study.results("store") }
    expectError(.data, "store.json", "expected") { _ = try StoreMerge([study.path("store")]) }
  }

  /// Right checksums of what no type can hold: a share of nothing once became a whole store, by the options
  /// given, and a model's entry was written anew.
  @Test(arguments: [
    (#""shard":{"count":2,"index":1}"#, #""shard":{"count":0,"index":1}"#, "shard"),
    (#""precision":"exact""#, #""precision":"double""#, "settings.precision"),
    (#""estimator":"minibatch""#, #""estimator":7"#, "settings.estimator"),
  ]) func whatAWholeFileSaysIsNotMadeAnew(old: String, new: String, field: String) throws {
    let study = try Study(batchSize: 8)
    let model = try study.write("a", seed: 1, layers: 2, n: 17)
    let content = """
      {"exampleCount":17,"format":"cka-store/1","settings":{"alignment":"order","batchSize":8,\
      "estimator":"minibatch","isStoredOrder":false,"kernel":"linear","layers":[],"passes":1,"pooling":"flatten",\
      "precision":"exact","ragged":"drop","seed":0,"storePrecision":"float32"},"shard":{"count":2,"index":1}}
      """
    func write(_ content: String) throws -> [UInt8] {
      let bytes = Array(
        "{\"checksum\": \"\(Digest(of: content).hexadecimal)\", \"content\": \(content)}\n".utf8)
      try study.folder.write(bytes, to: "store/store.json")
      return bytes
    }
    // This text is what a store of these settings has.
    _ = try write(content)
    try study.sweep("store", [model], shard: Shard(index: 1, count: 2))
    #expect(study.notes.isEmpty)

    let bytes = try write(content.replacingOccurrences(of: old, with: new))
    for shard in [nil, Shard(index: 1, count: 2)] {
      expectError(.data, "store.json", field) { try study.sweep("store", [model], shard: shard) }
    }
    expectError(.data, "store.json", field) { _ = try StoreMerge([study.path("store")]) }
    #expect(try study.files("store")["store.json"] == Data(bytes))
  }

  @Test func whatAWholeEntrySaysIsNotMadeAnew() throws {
    let study = try Study(batchSize: 8)
    let model = try study.write("a", seed: 1, layers: 2, n: 17)
    try study.sweep("store", [model])
    let name = try #require(try study.files("store").keys.first { $0.hasPrefix("models/") })
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    let entry = try CheckedDocument<ModelEntry>.read(study.path("store/\(name)"))
    let content = String(decoding: try encoder.encode(entry), as: UTF8.self)
      .replacingOccurrences(of: "\"sample\":\"\(entry.sample)\"", with: "\"sample\":7")
    try study.folder.write(
      "{\"checksum\": \"\(Digest(of: content).hexadecimal)\", \"content\": \(content)}",
      to: "store/\(name)")
    expectError(.data, name, "sample") { try study.sweep("store", [model]) }
    expectError(.data, name, "sample") { _ = try study.results("store") }
  }

  @Test func sharesOfNothingAreRefused() throws {
    let text = "{\"index\": 1, \"count\": 0}"
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Shard.self, from: Data(text.utf8))
    }
    // A store whose settings fit, of other examples than its models'.
    let study = try Study(batchSize: 8)
    let model = try study.write("a", seed: 1, layers: 2, n: 17)
    let document = Store.Document(settings: study.settings, exampleCount: 1 << 20)
    try Store.write(document, to: study.path("store"))
    expectError(.data, "store.json", "exampleCount: found 1048576, expected 17") {
      try study.sweep("store", [model])
    }
    expectError(.data, "store", "holds no models") { _ = try study.results("store") }
  }

  /// What the files of a model's layers are made of is told by all other files.
  @Test(arguments: ["grams", "products"], [false, true])
  func fieldsOfHeadersAreNotTrusted(ending: String, isMerged: Bool) throws {
    let stores = try Stores()
    let names = isMerged ? ["share1"] : ["store"]
    let files = try #require(stores.files[names[0]])
    let name = try #require(files.keys.sorted().first { $0.hasSuffix(".\(ending)") })
    let bytes = [UInt8](try #require(files[name]))
    let size = Int(bytes[16]) | Int(bytes[17]) << 8
    let numbers: [UInt64] = [.max, 0, 1, 1 << 31, 1 << 63 - 1, Double.nan.bitPattern]
    // Key, minibatch, examples, layers, types: what no crafted file can have otherwise.
    let structure = 40..<(ending == "grams" ? 71 : 40 + 16 + 20)
    // Of grams, up to the name of the device behind two layers; of products, two sides and more.
    for place in 16..<156 where place % 4 == 0 || (68..<72).contains(place) {
      for width in place % 4 == 0 ? [1, 4, 8] : [1] {
        for number in numbers {
          var changed = bytes
          withUnsafeBytes(of: number.littleEndian) {
            for index in 0..<width { changed[place + index] = $0[index] }
          }
          guard changed != bytes else { continue }
          for index in 8..<16 { changed[index] = 0 }
          let sum = changed[..<size].withUnsafeBytes { checksum($0) }
          withUnsafeBytes(of: sum.littleEndian) {
            for index in 0..<8 { changed[8 + index] = $0[index] }
          }
          let what = "\(name) byte \(place), \(width) wide, \(number)"
          let isRefused = try stores.isRefused(
            name, changed, in: names, what, isOfNumbers: true)
          // Precision may be that of another device.
          let precision = ending == "grams" ? 70..<71 : 52..<56
          let isOpen = precision.overlaps(place..<(place + width))
          if structure.contains(place), !isOpen { #expect(isRefused, "\(what)") }
        }
      }
    }
  }

  /// A Gram file with more layers than its model, and products that fit it: once a map of numbers that are
  /// in no file.
  @Test func moreLayersThanTheModelAreRefused() throws {
    let stores = try Stores()
    let study = stores.study
    let files = try #require(stores.files["store"])
    let entry = try CheckedDocument<ModelEntry>.read(
      study.path("store/\(try #require(files.keys.sorted().first { $0.hasPrefix("models/") }))"))
    let key = try #require(entry.key(0))
    let store = try Store(reading: study.path("store"))
    let old = try store.grams(0, key, layerCount: 2).file
    let crafted = GramFile(
      key: key, minibatch: 0, exampleCount: old.exampleCount, centering: old.centering,
      storePrecision: old.storePrecision, precision: old.precision,
      layers: old.layers + old.layers, squares: old.squares + old.squares, device: old.device)
    let numbers = [UInt8](repeating: 0, count: 4 * crafted.layerSize)
    var header = crafted.header
    header.seal(numbersSize: numbers.count, numbersChecksum: numbers.withUnsafeBytes(checksum))
    let name = "minibatches/1/grams/\(key.hexadecimal).grams"
    try study.folder.write(header.bytes + numbers, to: "store/\(name)")
    expectError(.data, name, "layers", "found 4, expected 2") { _ = try study.results("store") }

    try stores.restore("store")
    var products = ProductsFile(
      minibatch: 0, precision: .exact, rows: [.init(key: key, layerCount: 64)],
      columns: [.init(key: key, layerCount: 64)]
    ).header
    let cells = [UInt8](repeating: 0, count: 64 * 64 * 8)
    products.seal(numbersSize: cells.count, numbersChecksum: cells.withUnsafeBytes(checksum))
    let other = "minibatches/1/products/\(String(repeating: "0", count: 32)).products"
    try study.folder.write(products.bytes + cells, to: "store/\(other)")
    expectError(.data, other, "model 1 on the rows, layers", "found 64, expected 2") {
      _ = try study.results("store")
    }
    // A sweep makes again what it can.
    try study.sweep("store", stores.models)
    #expect(study.notes.contains { $0.contains(other) })
    #expect(try study.bits("store") == stores.bits)
  }

  /// Products that no matrices can have, with a right checksum.
  @Test(arguments: [Double.nan, .infinity, 1e300, -2]) func impossibleProductsAreRefused(
    value: Double
  ) throws {
    let stores = try Stores()
    let study = stores.study
    let files = try #require(stores.files["store"])
    let name = try #require(files.keys.sorted().first { $0.hasSuffix(".products") })
    var bytes = [UInt8](try #require(files[name]))
    let size = Int(bytes[16]) | Int(bytes[17]) << 8
    withUnsafeBytes(of: value) { for index in 0..<8 { bytes[size + 8 + index] = $0[index] } }
    func put(_ number: UInt64, at offset: Int) {
      withUnsafeBytes(of: number) { for index in 0..<8 { bytes[offset + index] = $0[index] } }
    }
    put(bytes[size...].withUnsafeBytes { checksum($0) }, at: 32)
    put(0, at: 8)
    put(bytes[..<size].withUnsafeBytes { checksum($0) }, at: 8)
    try study.folder.write(bytes, to: "store/\(name)")
    expectError(.data, name, "a product of two layers") { _ = try study.bits("store") }
  }
}
