import Activations
import Device
import Support

extension DeviceRates {
  /// Measures a device in well under a second, on small synthetic layers shaped like those of `work`,
  /// and on the first examples of some of its `layers`.
  init(
    measuring device: some CrossCovarianceDevice, _ work: FullBatchWork, layers: [LayerActivations],
    examples: [Int]
  ) throws(DeviceError) {
    let division = TileDivision(side: Self.side, memory: 48 << 20)
    func seconds(_ body: () throws(DeviceError) -> Void) throws(DeviceError) -> Double {
      let start = ContinuousClock.now
      try body()
      return max(start.elapsed, 1e-6)
    }
    // The first time compiles kernels, wakes threads and clears memory.
    func least(_ body: () throws(DeviceError) -> Void) throws(DeviceError) -> Double {
      try body()
      return min(try seconds(body), try seconds(body), try seconds(body))
    }
    func tiles<D: TiledDevice>(
      on device: D, _ layers: [LayerActivations], _ examples: [Int], _ kernel: GramKernel
    ) throws(DeviceError) -> D.TiledInput {
      try device.prepareTiles(
        of: Minibatch(layers: layers, examples: examples), kernel: kernel,
        centering: work.centering, division: division, observe: {})
    }

    let mean = work.layers.reduce(0.0) { $0 + Double($1.featureCount) / Double(work.layers.count) }
    let p = min(max(Int(mean), 16), 512)
    let (rows, columns) = (Self.side..<(2 * Self.side), 0..<Self.side)
    let all = Array(0..<(2 * Self.side))
    // Features between 0 and 1: squared distances of p/6 in the mean.
    let kernel: GramKernel =
      work.kernel == .linear ? .linear : .rbf(.sigma((Double(p) / 6).squareRoot()))

    let wide = Array(repeating: syntheticLayer(examples: 2 * Self.side, features: p), count: 4)
    let reading = try least { () throws(DeviceError) in
      _ = try tiles(on: device, wide, all, .linear)
    }
    let synthetic = Double(wide.count * 2 * Self.side * p * 4) / reading
    func rate(_ flops: Double, _ seconds: Double, bytes: Int) -> Double {
      flops / max(seconds - Double(bytes) / synthetic, seconds / 2)
    }

    let wideTiles = try tiles(on: device, wide, all, kernel)
    let tile = try least { () throws(DeviceError) in
      _ = try device.gramStack(
        of: wideTiles, layers: Array(wide.indices), rows: rows, columns: columns)
    }
    let entries = Double(Self.side) * Double(Self.side)
    let gram = rate(
      2 * entries * Double(p * wide.count), tile, bytes: wide.count * 2 * Self.side * p * 4)

    let count = min(max(work.layers.count, 2), 32)
    let narrow = Array(
      repeating: syntheticLayer(examples: 2 * Self.side, features: 16), count: count)
    let narrowTiles = try tiles(on: device, narrow, all, .linear)
    let stack = try device.gramStack(
      of: narrowTiles, layers: Array(narrow.indices), rows: rows, columns: columns)
    let products = try least { () throws(DeviceError) in
      _ = try device.innerProducts(stack, stack)
    }
    let pairs = Double(count * (count + 1)) * entries / products

    let n = min(max((1 << 20) / p, 2048), 1 << 16)
    let long = Array(repeating: syntheticLayer(examples: n, features: p), count: 4)
    let longTiles = try tiles(on: device, long, Array(0..<n), .linear)
    let feature = try least { () throws(DeviceError) in
      _ = try device.crossCovarianceNorms(
        longTiles, longTiles,
        pairs: long.indices.flatMap { i in (0..<i).map { LayerPair(i, $0) } })
    }
    let features = rate(
      6 * 2 * Double(n) * Double(p) * Double(p), feature, bytes: long.count * n * p * 4)

    let some = Swift.stride(from: 0, to: layers.count, by: max((layers.count + 3) / 4, 1)).map {
      layers[$0]
    }
    let perExample = some.reduce(0) { $0 + max($1.bytesPerExample, 1) }
    let first = Array(examples.prefix(max(Self.sample / perExample, 64)))
    // Once only: what comes from a disk the first time comes from memory the second.
    let real = try seconds { () throws(DeviceError) in
      _ = try tiles(on: device, some, first, .linear)
    }
    self.init(
      gram: gram, pairs: pairs, features: features,
      bytes: Double(first.count * perExample) / real)
  }

  /// The side of the tiles that are measured.
  private static let side = 512
  /// Bytes of activations that are read.
  private static let sample = 32 << 20
}

/// Numbers between 0 and 1 without a pattern.
private func syntheticLayer(examples: Int, features: Int) -> LayerActivations {
  var generator = SplitMix64(seed: 0)
  let values = (0..<(examples * features)).map { _ in Float(generator.next() >> 40) * 0x1p-24 }
  return LayerActivations(
    name: "synthetic", values: values, scalarType: .float32, exampleCount: examples,
    featureAxes: [features])
}
