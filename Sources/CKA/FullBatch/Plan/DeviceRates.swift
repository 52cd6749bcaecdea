import Device

/// How fast a device is at what exact estimates consist of, by useful flops and stored bytes.
public struct DeviceRates: Sendable, Hashable {
  /// Flops a second of Gram matrices, without reading.
  public var gram: Double
  /// Flops a second of their inner products.
  public var pairs: Double
  /// Flops a second of products of features, without reading.
  public var features: Double
  /// Bytes a second of activations, read, converted and centered.
  public var bytes: Double

  /// See the properties.
  public init(gram: Double, pairs: Double, features: Double, bytes: Double) {
    self.gram = gram
    self.pairs = pairs
    self.features = features
    self.bytes = bytes
  }

  /// The seconds that a cost takes.
  func seconds(_ cost: FullBatchCost) -> Double {
    cost.gramFlops / gram + cost.pairFlops / pairs + cost.featureFlops / features
      + cost.bytesRead / bytes
  }

  /// The rates of so many devices alike.
  func shared(by count: Int) -> DeviceRates {
    let count = Double(count)
    return DeviceRates(
      gram: gram * count, pairs: pairs * count, features: features * count, bytes: bytes * count)
  }

  /// What a kind of device is good at, relative to Gram matrices: how plans choose their algorithms.
  ///
  /// Rounded to powers of two, as machines of a kind differ. CPUs multiply all three kinds of matrices at
  /// their peak, and read 1 byte where they do 16 flops (two AVX-512 cores: 300 Gflop/s, 20 GB/s). GPUs
  /// wait for memory in inner products of matrices, and for the bus where they are sent activations
  /// (20 Tflop/s, 10 GB/s).
  static func nominal(for device: DeviceInfo) -> DeviceRates {
    device.isOpenCL
      ? DeviceRates(gram: 1, pairs: 0.25, features: 0.5, bytes: 1.0 / 2048)
      : DeviceRates(gram: 1, pairs: 1, features: 1, bytes: 1.0 / 16)
  }
}

extension DeviceInfo {
  /// Whether it is reached through OpenCL.
  package var isOpenCL: Bool { id.hasPrefix("opencl") }
}

extension Set<FullBatchPlan.Algorithm> {
  /// The algorithms that a device has.
  package static func of(_ device: any Device) -> Self {
    if device is any CrossCovarianceDevice { return [.atOnce, .tiles, .features] }
    return device is any TiledDevice ? [.atOnce, .tiles] : [.atOnce]
  }
}
