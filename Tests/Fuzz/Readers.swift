import Activations
import BLASDevice
import CKA
import Device

@testable import ActivationFiles

/// What is tried, by name. Each is made once, with a folder of its own.
enum Readers {
  typealias Reader = (UnsafeRawBufferPointer) throws -> Void

  static let all: [String: (Scratch) throws -> Reader] = files.merging(
    documents.map { ($0, result($0, $1)) }, uniquingKeysWith: { first, _ in first })

  private static let files: [String: (Scratch) throws -> Reader] = [
    "npy": { try file("a.npy", in: $0) },
    "npz": { try file("a.npz", in: $0) },
    "safetensors": { try file("a.safetensors", in: $0) },
    "hdf5": hdf5, "lzf": { _ in lzf },
    "layers": { try companion("layers.json", in: $0) },
    "examples": { try companion("examples.txt", in: $0) },
    "labels": labels, "table": table, "hierarchy": hierarchy,
    "store": { try store($0, .document) }, "entry": { try store($0, .entry) },
    "grams": { try store($0, .grams) }, "products": { try store($0, .products) },
  ]

  /// Takes a model as the commands do: all its layers, and the numbers of its first examples.
  static func take(_ model: ModelFiles) throws {
    let layers = model.layers.filter { $0.bytesPerExample <= 1 << 16 }.prefix(8)
    let examples = Array(0..<min(layers.first?.shape.exampleCount ?? 0, 8))
    guard examples.count >= 4 else { return }
    for layer in layers where layer.shape.featureAxes.count <= 1 {
      _ = try layer.numbers(of: examples.startIndex..<examples.endIndex)
    }
    _ = try device.gramStack(
      of: Minibatch(layers: Array(layers), examples: examples), kernel: .linear,
      centering: .unbiased)
  }

  private static let device = BLASDevice()

  /// A single file of activations.
  private static func file(_ name: String, in scratch: Scratch) throws -> Reader {
    { input in try take(ModelFiles(path: scratch.write(input, to: name))) }
  }

  /// A file beside the layers of a folder.
  private static func companion(_ name: String, in scratch: Scratch) throws -> Reader {
    for layer in ["a", "b2", "b10"] {
      let values: [Float] = (0..<12).map { Float($0 * $0 % 7) }
      try scratch.write(npy(values, shape: [4, 3]), to: "\(layer).npy")
    }
    return { input in
      try scratch.write(input, to: name)
      try take(ModelFiles(path: scratch.path))
    }
  }

  /// What libhdf5, in its own process, answers about a file. The file's own bytes are small numbers.
  private static func hdf5(_ scratch: Scratch) throws -> Reader {
    { input in
      let listing = try HDF5Listing(Array(input), place: Place(path: "input.h5"))
      _ = listing.members.map(\.name)
    }
  }

  /// A packed chunk. The output has guard bytes on both sides of it.
  private static func lzf(_ input: UnsafeRawBufferPointer) throws {
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)
    defer { output.deallocate() }
    _ = LZF.expand(input, into: output)
  }

  static func npy(_ values: [Float], shape: [Int]) -> [UInt8] {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape[0]), \(shape[1])), }"
    header += String(repeating: " ", count: 117 - header.count) + "\n"
    let length = [UInt8(header.utf8.count), 0]
    return [0x93] + Array("NUMPY\u{1}\0".utf8) + length + Array(header.utf8)
      + values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }
}
