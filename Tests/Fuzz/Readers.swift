import Activations
import BLASDevice
import CKA
import Device

@testable import ActivationFiles

/// What is tried, by name. Each is made once, with a folder of its own.
enum Readers {
  typealias Reader = (UnsafeRawBufferPointer) throws -> Void

  static var all: [String: (Scratch) throws -> Reader] {
    files.merging(documents.map { ($0, result($0, $1)) }, uniquingKeysWith: { first, _ in first })
  }

  private static var files: [String: (Scratch) throws -> Reader] {
    [
      "npy": { try file("a.npy", in: $0) },
      "npz": { try file("a.npz", in: $0) },
      "safetensors": { try file("a.safetensors", in: $0) },
      "hdf5": hdf5, "lzf": { _ in lzf },
      "layers": { try companion("layers.json", in: $0) },
      "examples": { try companion("examples.txt", in: $0) },
      "labels": labels, "table": table, "hierarchy": hierarchy, "class-names": classNames,
      "store": { try store($0, .document) }, "entry": { try store($0, .entry) },
      "grams": { try store($0, .grams) }, "products": { try store($0, .products) },
    ]
  }

  /// Takes layers as the commands do, by the numbers of their first and last examples.
  static func take(_ layers: [LayerActivations]) throws {
    let layers = Array(layers.filter { $0.bytesPerExample <= 1 << 16 }.prefix(8))
    let count = layers.first?.shape.exampleCount ?? 0
    let examples = Array(0..<min(count, 4)) + Array(max(count - 4, 4)..<max(count, 4))
    for layer in layers where layer.shape.featureAxes.count <= 1 {
      _ = try layer.numbers(of: 0..<min(count, 8))
    }
    guard examples.count >= 4 else { return }
    _ = try device.gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: .linear, centering: .unbiased)
  }

  private static let device = BLASDevice()

  /// A single file of activations.
  private static func file(_ name: String, in scratch: Scratch) throws -> Reader {
    { input in try take(ModelFiles(path: scratch.write(input, to: name)).layers) }
  }

  /// A file beside the layers of a folder.
  private static func companion(_ name: String, in scratch: Scratch) throws -> Reader {
    for layer in ["a", "b2", "b10"] {
      let values: [Float] = (0..<12).map { Float($0 * $0 % 7) }
      try scratch.write(npy(values, shape: [4, 3]), to: "\(layer).npy")
    }
    return { input in
      try scratch.write(input, to: name)
      try take(ModelFiles(path: scratch.path).layers)
    }
  }

  /// An HDF5 file and what libhdf5 says of it: the length of the answer, 4 bytes, the answer, the file.
  ///
  /// libhdf5 itself is not tried. It runs in a process of its own because damaged files are known to make
  /// it crash, and AddressSanitizer's memory does not fit the limits of that process, whose start would
  /// allow a few dozen inputs a second. Tried is that no answer takes the caller along.
  private static func hdf5(_ scratch: Scratch) throws -> Reader {
    { input in
      guard input.count >= 4 else { throw Scratch.Failure() }
      let size = Int(UInt32(littleEndian: input.loadUnaligned(as: UInt32.self)))
      let answer = input.dropFirst(4).prefix(size)
      let place = Place(path: try scratch.write(input[answer.endIndex...], to: "a.h5"))
      let file = try MappedFile(path: place.path)
      let arrays = try HDF5Reader.arrays(in: file, listedAs: Array(answer), place: place)
      for layer in arrays.compactMap(\.layer) { try take([layer]) }
    }
  }

  /// A packed chunk. AddressSanitizer watches both sides of the output.
  private static func lzf(_ input: UnsafeRawBufferPointer) throws {
    let output = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024, alignment: 1)
    defer { output.deallocate() }
    guard LZF.expand(input, into: output) != nil else { throw Scratch.Failure() }
  }

  static func npy(_ values: [Float], shape: [Int]) -> [UInt8] {
    var header = "{'descr': '<f4', 'fortran_order': False, 'shape': (\(shape[0]), \(shape[1])), }"
    header += String(repeating: " ", count: 117 - header.count) + "\n"
    let length = [UInt8(header.utf8.count), 0]
    return [0x93] + Array("NUMPY\u{1}\0".utf8) + length + Array(header.utf8)
      + values.flatMap { withUnsafeBytes(of: $0) { Array($0) } }
  }
}
