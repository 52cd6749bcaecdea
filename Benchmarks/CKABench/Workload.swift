import ActivationFiles
import Activations
import CKA
import CommandSupport
import Foundation

/// What every device is measured on: one or two models in files.
struct Workload {
  let models: [ModelFiles]
  let description: String
  private let temporaryFolder: String?

  /// Models of the user's.
  init(opening paths: [String]) throws {
    try self.init(paths: paths, kind: "models of your own", temporaryFolder: nil)
  }

  /// Two synthetic models of float32 layers, written to a temporary folder: noise with a part that
  /// all layers share, so that similarities are neither 0 nor 1.
  init(layers: Int, examples: Int, features: FeatureRange) throws {
    let folder = NSTemporaryDirectory() + "cka-bench-\(getpid())"
    do {
      for model in 0..<2 {
        let path = "\(folder)/\(model)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for layer in 0..<layers {
          let share = layers > 1 ? Double(layer) / Double(layers - 1) : 0.5
          let p = features.least + Int(share * Double(features.most - features.least))
          let bytes = Self.npy(examples: examples, features: p, seed: model * layers + layer)
          try bytes.write(to: URL(fileURLWithPath: "\(path)/layer\(layer).npy"))
        }
      }
      try self.init(
        paths: ["\(folder)/0", "\(folder)/1"], kind: "synthetic", temporaryFolder: folder)
    } catch {
      try? FileManager.default.removeItem(atPath: folder)
      throw Failure(.io, "\(folder): cannot be written: \((error as NSError).localizedDescription)")
    }
  }

  private init(paths: [String], kind: String, temporaryFolder: String?) throws {
    self.temporaryFolder = temporaryFolder
    do throws(ActivationFileError) {
      var models: [ModelFiles] = []
      for path in paths { models.append(try ModelFiles(path: path)) }
      self.models = models
    } catch {
      throw Failure(error.kind == .noInput ? .noInput : .data, error.description)
    }
    let features = models.flatMap(\.layers).map(\.featureCount)
    let mean = features.reduce(0, +) / max(features.count, 1)
    description = """
      \(models.map { String($0.layers.count) }.joined(separator: " × ")) layers \
      (\(kind), \(models[0].layers[0].scalarType.rawValue)), \(models[0].exampleCount) examples, \
      \(Format.count(features.min() ?? 0)) to \(Format.count(features.max() ?? 0)) features, \
      mean \(Format.count(mean))
      """
  }

  /// The comparison that is timed: the minibatch estimator in stored order.
  func comparison(batchSize: Int) throws -> Comparison {
    do throws(ComparisonError) {
      return try Comparison(
        models[0], models.count > 1 ? models[1] : nil,
        estimator: .minibatch(.init(size: batchSize, order: .stored)))
    } catch { throw Failure(.data, error.description) }
  }

  func remove() {
    if let temporaryFolder { try? FileManager.default.removeItem(atPath: temporaryFolder) }
  }

  private static func npy(examples: Int, features: Int, seed: Int) -> Data {
    var header =
      "{'descr': '<f4', 'fortran_order': False, 'shape': (\(examples), \(features)), }"
    header += String(repeating: " ", count: 127 - 10 - header.utf8.count) + "\n"
    var data = Data([0x93]) + Data("NUMPY".utf8) + Data([1, 0, UInt8(header.utf8.count), 0])
    data.append(Data(header.utf8))
    var state = UInt64(seed) &* 0x9E37_79B9_7F4A_7C15 | 1
    let values = [Float](unsafeUninitializedCapacity: examples * features) { buffer, count in
      for index in 0..<(examples * features) {
        // xorshift64*: quick, and good enough for noise.
        state ^= state >> 12
        state ^= state << 25
        state ^= state >> 27
        let noise = Float((state &* 0x2545_F491_4F6C_DD1D) >> 40) * 0x1p-24
        let shared = Float((index / features &* 7919 &+ index % features % 16 &* 104_729) % 97) / 97
        buffer[index] = noise + shared
      }
      count = examples * features
    }
    values.withUnsafeBytes { data.append(contentsOf: $0) }
    return data
  }
}
