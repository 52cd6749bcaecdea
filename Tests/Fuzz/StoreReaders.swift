import ActivationFiles
import Activations
import BLASDevice
import CKA
import Foundation

@testable import SweepStore

extension Readers {
  /// A file of a sweep's store.
  enum StoreFile { case document, entry, grams, products }

  /// Readers of a store that is whole but for one file. The file's checksums are made anew, or nothing
  /// but these would be tried.
  static func store(_ scratch: Scratch, _ file: StoreFile) throws -> Reader {
    let store = "\(scratch.path)/store"
    let models = try (0..<2).map { model in
      let values: [Float] = (0..<24).map { Float(($0 * 7 + model) % 11) }
      return try scratch.write(npy(values, shape: [8, 3]), to: "\(model).npy")
    }
    var settings = SweepSettings()
    settings.batchSize = 4
    func open(_ path: String) throws -> ActivationModel {
      let model = try ModelFiles(path: path)
      return ActivationModel(name: model.name, layers: model.layers, exampleIDs: nil)
    }
    func sweep() throws {
      let sweep = try Sweep(
        store: store, settings: settings, memory: 1 << 30, devices: [BLASDevice()],
        firstModel: models[0], openModel: open)
      _ = try sweep.run(models: models)
    }
    try sweep()
    let target = try path(of: file, in: store)
    let whole = try Array(Data(contentsOf: URL(fileURLWithPath: "\(scratch.path)/\(target)")))
    return { input in
      guard let bytes = sealed(input, as: file) else { return }
      try scratch.write(bytes, to: target)
      defer { _ = try? scratch.write(whole, to: target) }
      let results = try SweepResults(store: store)
      for left in results.models.indices {
        for right in 0...left { _ = try results.similarity(left, right) }
      }
    }
  }

  /// Where the file lies, below the scratch folder.
  private static func path(of file: StoreFile, in store: String) throws -> String {
    func first(_ folder: String) throws -> String {
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(store)/\(folder)")
      return "store/\(folder)/\(names.sorted()[0])"
    }
    return switch file {
    case .document: "store/store.json"
    case .entry: try first("models")
    case .grams: try first("minibatches/1/grams")
    case .products: try first("minibatches/1/products")
    }
  }

  /// The input as a file with right checksums; nil where it is none of its kind.
  private static func sealed(_ input: UnsafeRawBufferPointer, as file: StoreFile) -> [UInt8]? {
    switch file {
    case .document: document(Store.Document.self, input)
    case .entry: document(ModelEntry.self, input)
    case .grams, .products: binary(Array(input))
    }
  }

  private static func document<Content: Codable>(
    _ type: Content.Type, _ input: UnsafeRawBufferPointer
  ) -> [UInt8]? {
    guard let content = try? JSONDecoder().decode(type, from: Data(input)) else { return nil }
    return try? CheckedDocument<Content>.bytes(content)
  }

  /// The layout: `BinaryHeader`.
  private static func binary(_ input: [UInt8]) -> [UInt8]? {
    var bytes = input
    guard bytes.count >= 40 else { return nil }
    func put(_ number: UInt64, at offset: Int) {
      for index in 0..<8 {
        bytes[offset + index] = UInt8(truncatingIfNeeded: number >> (8 * index))
      }
    }
    put(UInt64(bytes.count), at: 24)
    let size = (0..<8).reduce(0) { $0 | UInt64(bytes[16 + $1]) << (8 * $1) }
    if size <= UInt64(bytes.count) {
      let numbers = Array(bytes[Int(size)...])
      put(numbers.withUnsafeBytes { checksum($0) }, at: 32)
      put(0, at: 8)
      let header = Array(bytes[..<Int(size)])
      put(header.withUnsafeBytes { checksum($0) }, at: 8)
    }
    return bytes
  }
}
