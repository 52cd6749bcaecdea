import Dispatch
import Foundation
import Support
import Synchronization

extension Workload {
  /// Writes the workload's synthetic models into `folder`: folders of `.npy` files, one a layer,
  /// with a `layers.json`. Returns the models' paths. They are in the page cache afterwards, as
  /// far as that reaches.
  ///
  /// The activations are noise and a part that all layers share, so that similarities are neither
  /// 0 nor 1 and means are not 0. The squared means are six times the variance, and a third of it in
  /// bfloat16.
  func write(into folder: TemporaryFolder) throws -> [String] {
    let spare = 64 << 20
    if let free = folder.freeBytes, free < byteCount + spare {
      throw Failure(
        .cannotCreate,
        "\(folder.path): \(name) needs \(Format.bytes(byteCount)) of disk and "
          + "\(Format.bytes(free)) are free; TMPDIR chooses another place")
    }
    var paths: [String] = []
    for model in 0..<models {
      let path = "\(folder.path)/\(name)-\(model)"
      do {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
      } catch {
        throw Failure(
          .cannotCreate, "\(path): cannot be made: \((error as NSError).localizedDescription)")
      }
      try writeLayers(model: model, into: path)
      paths.append(path)
    }
    return paths
  }

  /// Writes one model's layers, and the list of them, into the folder `path`.
  func writeLayers(model: Int, into path: String) throws {
    let names = (0..<layers).map { "layer\($0)" }
    let list = names.map { "{\"name\": \"\($0)\"}" }.joined(separator: ", ")
    try replaceFile(
      Array("{\"layers\": [\(list)]}\n".utf8), at: "\(path)/layers.json", called: path)
    let failure = Mutex<Failure?>(nil)
    DispatchQueue.concurrentPerform(iterations: layers) { layer in
      let file = "\(path)/\(names[layer]).npy"
      let numbers = SyntheticLayer(
        seed: UInt64(model * layers + layer), examples: examples,
        features: featureCount(layer: layer))
      do {
        try numbers.npy(scalarType).write(to: URL(fileURLWithPath: file))
      } catch {
        let reason = (error as NSError).localizedDescription
        failure.withLock { $0 = Failure(.io, "\(file): cannot be written: \(reason)") }
      }
    }
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}

/// The numbers of one layer: `examples` × `features`.
private struct SyntheticLayer {
  let seed: UInt64
  let examples: Int
  let features: Int

  /// As a `.npy` file; bfloat16 as ml_dtypes writes it.
  func npy(_ scalarType: String) -> Data {
    let descr = ["float16": "<f2", "bfloat16": "<V2"][scalarType] ?? "<f4"
    var header =
      "{'descr': '\(descr)', 'fortran_order': False, 'shape': (\(examples), \(features)), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0])
    data.append(Data(header.utf8))
    switch scalarType {
    case "float16": values { Float16($0) }.withUnsafeBytes { data.append(contentsOf: $0) }
    case "bfloat16":
      // The upper half of a float32, rounded.
      values { UInt16(truncatingIfNeeded: (($0 - 0.75).bitPattern &+ 0x8000) >> 16) }
        .withUnsafeBytes { data.append(contentsOf: $0) }
    default: values { $0 }.withUnsafeBytes { data.append(contentsOf: $0) }
    }
    return data
  }

  private func values<Number>(_ convert: (Float) -> Number) -> [Number] {
    [Number](unsafeUninitializedCapacity: examples * features) { buffer, count in
      var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
      for example in 0..<examples {
        for feature in 0..<features {
          // xorshift64*: quick, and good enough for noise.
          state ^= state >> 12
          state ^= state << 25
          state ^= state >> 27
          let noise = Float((state &* 0x2545_F491_4F6C_DD1D) >> 40) * 0x1p-24
          let signal = (example &* 7919 &+ feature % 16 &* 104_729) % 97
          buffer[example * features + feature] = convert(noise + Float(signal) / 97)
        }
      }
      count = examples * features
    }
  }
}
