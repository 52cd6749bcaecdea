import Activations
import Device
import TestSupport

@testable import OpenCLDevice

extension OpenCLDevice {
  /// CKA of all layers of one minibatch, with the norms that the device gives.
  func cka(
    _ layers: [LayerActivations], examples: [Int], kernel: GramKernel = .linear,
    centering: GramCentering
  ) throws -> Matrix<Double> {
    let stack = try gramStack(
      of: Minibatch(layers: layers, examples: examples), kernel: kernel, centering: centering)
    let products = try innerProducts(stack, stack)
    let norms = try squaredNorms(stack).map { $0.squareRoot() }
    var result = products
    for i in norms.indices {
      for j in norms.indices { result[i, j] /= norms[i] * norms[j] }
    }
    return result
  }
}

extension Activations64 {
  /// The numbers as they are after being stored in 16 bits, and the layer that stores them.
  func stored(as type: ScalarType, name: String = "layer") -> (Activations64, LayerActivations) {
    var rounded = self
    var bits: [UInt16] = []
    for index in values.indices {
      let value = Float(values[index])
      switch type {
      case .float16:
        let half = Float16(value)
        bits.append(half.bitPattern)
        rounded.values[index] = Double(half)
      case .bfloat16:
        let pattern = UInt16(truncatingIfNeeded: (value.bitPattern &+ 0x8000) >> 16)
        bits.append(pattern)
        rounded.values[index] = Double(Float(bitPattern: UInt32(pattern) << 16))
      default:
        preconditionFailure("a type of 16 bits")
      }
    }
    return (
      rounded,
      LayerActivations(
        name: name, values: bits, scalarType: type, exampleCount: n, featureAxes: [p])
    )
  }

  /// The layer as float64 numbers, which the host converts.
  func layer64(_ name: String = "layer") -> LayerActivations {
    LayerActivations(
      name: name, values: values, scalarType: .float64, exampleCount: n, featureAxes: [p])
  }
}
