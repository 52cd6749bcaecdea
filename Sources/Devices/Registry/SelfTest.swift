import Activations
import BLASDevice
import Device

/// Compares a few small Gram matrices with the CPU's before `auto` uses a device.
enum SelfTest {
  static func run(_ device: some Device) throws(DeviceError) {
    let cpu = BLASDevice()
    let layers = [layer(features: 3), layer(features: 129), layer(features: 1000)]
    let minibatch = Minibatch(layers: layers, examples: Array(0..<67))
    let kernels: [GramKernel] = [.linear, .rbf(.medianMultiple(1))]
    for centering in GramCentering.allCases {
      for kernel in kernels {
        let expected = try scores(on: cpu, minibatch, kernel, centering)
        let found = try scores(on: device, minibatch, kernel, centering)
        for (score, other) in zip(expected, found)
        where !(abs(score - other) < device.info.precision.tolerance) {
          throw DeviceError(
            kind: .failed, call: "the self-test",
            context: "CKA differs from the CPU's by \(abs(score - other))")
        }
      }
    }
  }

  /// CKA of all layer pairs.
  private static func scores(
    on device: some Device, _ minibatch: Minibatch, _ kernel: GramKernel,
    _ centering: GramCentering
  ) throws(DeviceError) -> [Double] {
    let stack = try device.gramStack(of: minibatch, kernel: kernel, centering: centering)
    let products = try device.innerProducts(stack, stack)
    let roots = stack.layers.indices.map { products[$0, $0].squareRoot() }
    return stack.layers.indices.flatMap { i in
      stack.layers.indices.map { j in products[i, j] / (roots[i] * roots[j]) }
    }
  }

  /// Numbers without a pattern from a multiplicative hash, with an offset that rounding would show.
  private static func layer(features: Int) -> LayerActivations {
    let values = (0..<(67 * features)).map { index in
      Float((UInt32(truncatingIfNeeded: index &* features) &* 2_654_435_761) >> 8) * 0x1p-22 + 5
    }
    return LayerActivations(
      name: "self-test", values: values, scalarType: .float32, exampleCount: 67,
      featureAxes: [features])
  }
}
