import Foundation

@testable import SweepStore

extension Readers {
  /// A file of a sweep's store.
  enum StoreFile: String {
    case document = "store.json"
    case entry = "models"
    case grams = "minibatches/1/grams"
    case products = "minibatches/1/products"
  }

  /// Readers of a store, `Tests/Fuzz/Results/store`, that is whole but for one file. The checksums are made
  /// anew, or nothing but these would be tried.
  static func store(_ scratch: Scratch, _ file: StoreFile) throws -> Reader {
    try scratch.copyResults("store")
    let target = try path(of: file, in: scratch)
    let entries = try FileManager.default.contentsOfDirectory(atPath: "\(scratch.path)/models").map
    {
      (
        name: "models/\($0)",
        entry: try CheckedDocument<ModelEntry>.read("\(scratch.path)/models/\($0)")
      )
    }
    return { input in
      switch file {
      case .document:
        let document = try document(Store.Document.self, input)
        try scratch.write(CheckedDocument<Store.Document>.bytes(document), to: target)
        // Entries know which document they belong to.
        for (name, entry) in entries {
          var entry = entry
          entry.settings = document.digest
          try scratch.write(CheckedDocument<ModelEntry>.bytes(entry), to: name)
        }
      case .entry:
        let entry = try document(ModelEntry.self, input)
        try scratch.write(CheckedDocument<ModelEntry>.bytes(entry), to: target)
      case .grams, .products: try scratch.write(sealed(Array(input)), to: target)
      }
      let results = try SweepResults(store: scratch.path)
      for left in results.models.indices {
        for right in 0...left {
          _ = try results.similarity(left, right)
          _ = results.fingerprint(left, right)
        }
      }
    }
  }

  /// Where the file lies, below the scratch folder: of several the first.
  private static func path(of file: StoreFile, in scratch: Scratch) throws -> String {
    guard file != .document else { return file.rawValue }
    let folder = "\(scratch.path)/\(file.rawValue)"
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return "\(file.rawValue)/\(names.sorted()[0])"
  }

  /// What a document says, whatever its checksum.
  private static func document<Content: Codable>(
    _ type: Content.Type, _ input: UnsafeRawBufferPointer
  ) throws -> Content {
    try JSONDecoder().decode(CheckedDocument<Content>.self, from: Data(input)).content
  }

  /// The layout: `BinaryHeader`.
  private static func sealed(_ input: [UInt8]) -> [UInt8] {
    var bytes = input
    guard bytes.count >= BinaryHeader.commonSize else { return bytes }
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
