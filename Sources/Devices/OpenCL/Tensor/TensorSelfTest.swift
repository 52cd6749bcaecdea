import Activations
import Device

// Before tensor cores are trusted: their Gram matrices beside those of the portable kernels, on the
// same device. A driver's compiler may refuse the instructions or take them for something else.
extension Runtime {
  /// Compares small Gram matrices of every format and every way that tensor.cl has.
  ///
  /// - Returns: why tensor cores cannot be used; nil where all is well.
  func failureOfTensors() -> String? {
    do throws(DeviceError) {
      for mode in [TensorUse.FloatMode.split, .round] {
        // A layer takes numbers of 11 bits; otherwise products of 22 bits are summed in float32.
        let tolerance = mode == .round ? 0x1p-9 : 0x1p-18
        for (name, minibatch) in selfTestLayers() {
          let portable = try matrix(of: minibatch, use: nil)
          let tensor = try matrix(of: minibatch, use: TensorUse(floatMode: mode))
          let largest = portable.reduce(0) { max($0, abs($1)) }
          let error = zip(portable, tensor).reduce(0.0) { max($0, abs($1.0 - $1.1)) }
          let isEqual = error <= tolerance * largest
          guard isEqual, portable.count == tensor.count else {
            return "their products of \(name) differ from the portable kernel's by "
              + "\(error / largest) of the largest"
          }
        }
      }
      return nil
    } catch {
      return error.description
    }
  }

  /// One layer's centered Gram matrix, in its own units.
  private func matrix(of minibatch: Minibatch, use: TensorUse?) throws(DeviceError) -> [Double] {
    var workspace: Workspace?
    let run = MinibatchGrams(
      runtime: self, minibatch: minibatch, kernel: .linear, centering: .biased, tensors: use)
    let stack = try run.stack(in: &workspace)
    let unit = Double(sign: .plus, exponent: stack.layers[0].exponent, significand: 1)
    guard let chunk = stack.chunks.first, case .device(let buffer) = chunk.storage else {
      return []
    }
    return try readArray(buffer, count: stack.shape.layerStride, of: Float(0)).map {
      Double($0) * unit
    }
  }

  /// Layers of all formats, of more than one tile; those with an offset cannot be multiplied raw.
  private func selfTestLayers() -> [(String, Minibatch)] {
    let n = 130
    func layer<Scalar: BitwiseCopyable & Sendable>(
      _ type: ScalarType, offset: Float, _ stored: (Float) -> Scalar
    ) -> Minibatch {
      let p = 70
      let values = (0..<(n * p)).map { index in
        // Without a pattern, in [−1, 1).
        stored(Float(Int32(truncatingIfNeeded: (index &+ 1) &* 2_654_435_761)) * 0x1p-31 + offset)
      }
      return Minibatch(
        layers: [
          LayerActivations(
            name: "self-test", values: values, scalarType: type, exampleCount: n, featureAxes: [p])
        ], examples: Array(0..<n))
    }
    return [
      ("float32", layer(.float32, offset: 3) { $0 }),
      ("float16", layer(.float16, offset: 0) { Float16($0).bitPattern }),
      ("float16 with an offset", layer(.float16, offset: 200) { Float16($0).bitPattern }),
      ("bfloat16", layer(.bfloat16, offset: 0) { UInt16($0.bitPattern >> 16) }),
    ]
  }
}
