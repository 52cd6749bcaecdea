import Activations
import CPUKernels
import TestSupport
import Testing

@testable import Features

/// What is known of a layer before it is read piece by piece, against float64.
@Suite struct FeatureMeansTests {
  /// Holds the centers of `layer`, and pieces read with them, against `truth`, its numbers row by row.
  ///
  /// - Parameter spread: the largest magnitude of a difference from a mean.
  private func check(
    _ layer: LayerActivations, _ truth: [[Double]], examples: [Int], spread: Double,
    kernels: UnsafePointer<cka_cpu_kernels_table> = cka_cpu_kernels(0)
  ) throws {
    let (n, p) = (examples.count, layer.featureCount)
    let centers = try FeatureMeans(of: layer, examples: examples, kernels: kernels)
    #expect(centers.isFinite && !centers.isConstant && centers.exponent % 32 == 0)
    let unit = Double(sign: .plus, exponent: centers.exponent, significand: 1)
    var numbers = [Float](repeating: .nan, count: n * p)
    // In pieces that no other division of work has.
    for first in stride(from: 0, to: n, by: 37) {
      let piece = Array(examples[first..<min(first + 37, n)])
      var slabs = FeatureReader(layer: layer, examples: piece, kernels: kernels, centers: centers)
      for feature in stride(from: 0, to: p, by: 23) {
        let range = feature..<min(feature + 23, p)
        try numbers.withUnsafeMutableBufferPointer {
          let start = try #require($0.baseAddress) + first * p + feature
          let found = try slabs.read(range, into: start, rowStride: p)
          #expect(found.exponent == centers.exponent)
        }
      }
    }
    var (sums, wanted) = ([Double](repeating: 0, count: p), [Double](repeating: 0, count: n))
    for k in 0..<p {
      // The first example's number is taken off, so that float64 keeps the others' digits.
      let column = examples.map { truth[$0][k] - truth[examples[0]][k] }
      let mean = column.reduce(0, +) / Double(n)
      // A narrow number's mean is rounded to float32; `residues` tells what that leaves.
      let shift = -centers.residues[k] * unit / Double(n)
      for i in 0..<n {
        let expected = column[i] - mean - shift
        let found = Double(numbers[i * p + k]) * unit
        // u relative to the difference, and float64's rounding near the stored number.
        #expect(
          abs(found - expected) <= 0x1p-23 * spread + 0x1p-52 * abs(truth[examples[i]][k]),
          "\(layer.name) \(i) \(k)")
        sums[k] += Double(numbers[i * p + k])
        wanted[i] += Double(numbers[i * p + k]) * Double(numbers[i * p + k])
      }
      // n numbers, each with a rounding of u · spread.
      #expect(
        abs(sums[k] - centers.residues[k]) * unit <= Double(n) * 0x1p-24 * spread, "\(layer.name)")
    }
    let products = try centers.rowProducts(of: layer, examples: examples, kernels: kernels)
    for i in 0..<n {
      #expect(abs(products.squaredNorms[i] - wanted[i]) <= 1e-12 * wanted[i])
      let sum = (0..<p).reduce(0) { $0 + Double(numbers[i * p + $1]) * centers.residues[$1] }
      #expect(abs(products.sums[i] - sum) <= 1e-12 * (abs(sum) + wanted[i]))
    }
  }

  private static let shuffled = (0..<1300).map { $0 * 7919 % 1300 }

  @Test(arguments: 0..<Int(cka_cpu_kernels_count())) func everyType(set: Int) throws {
    let (n, axes) = (1300, [3, 5])
    let numbers = (0..<(n * 15)).map { ($0 * 7919) % 211 % 100 }
    for var layer in LayerActivations.ofEveryType(numbers, exampleCount: n, featureAxes: axes) {
      for pooling in [LayerShape.Pooling.flatten, .mean(.channelsLast)] {
        layer.pooling = pooling
        // By columns the features have another order; the means of both are the same.
        let truth =
          pooling == .flatten
          ? layer.rows
          : (0..<n).map { i in
            let row = numbers[(i * 15)..<(i * 15 + 15)].map { Double($0) }
            return (0..<5).map { k in (0..<3).reduce(0) { $0 + row[$1 * 5 + k] } / 3 }
          }
        for examples in [Self.shuffled, Array(100..<750)] {
          try check(layer, truth, examples: examples, spread: 100, kernels: cka_cpu_kernels(set))
        }
      }
    }
  }

  @Test func largeOffsetsAndFarScales() throws {
    let (n, p) = (700, 40)
    let x = Activations64.normal(n: n, p: p, seed: 3)
    let examples = Array(0..<n)
    for (offset, scale) in [(1000, 1.0), (0, 0x1p-120), (0, 0x1p110), (0, 0x1p40), (1e-3, 0x1p-60)]
    {
      let values = x.values.map { Float(($0 + offset) * scale) }
      let layer = LayerActivations(
        name: "\(offset) \(scale)", values: values, scalarType: .float32, exampleCount: n,
        featureAxes: [p])
      try check(layer, layer.rows, examples: examples, spread: 8 * scale)
    }
    for scale in [1e-300, 1e290] {
      let layer = LayerActivations(
        name: "\(scale)", values: x.values.map { $0 * scale }, scalarType: .float64,
        exampleCount: n, featureAxes: [p])
      try check(layer, layer.rows, examples: examples, spread: 8 * scale)
    }
    // 64-bit integers near the largest: their differences are small and exact.
    let numbers = (0..<(n * p)).map { Int64($0 * 7919 % 211) }
    let far = LayerActivations(
      name: "far", values: numbers.map { Int64.max - $0 }, scalarType: .int64, exampleCount: n,
      featureAxes: [p])
    let centers = try FeatureMeans(of: far, examples: examples)
    var slabs = FeatureReader(layer: far, examples: [5, 6], centers: centers)
    var found = [Float](repeating: 0, count: 2 * p)
    _ = try slabs.read(0..<p, into: &found, rowStride: p)
    for k in 0..<p {
      let mean = examples.reduce(0) { $0 + Double(numbers[$1 * p + k]) } / Double(n)
      #expect(abs(Double(found[k]) - (mean - Double(numbers[5 * p + k]))) < 1e-5)
    }
  }

  /// Scattered rows of a file are copied, others read where they are mapped: the same bits.
  @Test func filesGiveTheSameBits() throws {
    let (n, p) = (1300, 1500)
    let layer = Activations64.normal(n: n, p: p, seed: 4).layer()
    for examples in [Self.shuffled, Array(0..<n)] {
      let memory = try FeatureMeans(of: layer, examples: examples)
      let file = try FeatureMeans(of: layer.asFile(), examples: examples)
      #expect(memory.shifts == file.shifts && memory.exponent == file.exponent)
      let (own, other) = (
        try memory.rowProducts(of: layer, examples: examples),
        try file.rowProducts(of: layer.asFile(), examples: examples)
      )
      #expect(own.squaredNorms == other.squaredNorms && own.sums == other.sums)
    }
  }

  @Test func tellsOfConstantAndNonFiniteLayers() throws {
    let (n, p) = (600, 33)
    var values = [Double](repeating: 0.1, count: n * p)
    func centers(_ type: ScalarType, swapped: Bool = false) throws -> FeatureMeans {
      let layer =
        type == .float64
        ? LayerActivations(
          name: "x",
          values: swapped ? values.map { $0.bitPattern.byteSwapped } : values.map(\.bitPattern),
          scalarType: type, exampleCount: n, featureAxes: [p], isByteSwapped: swapped)
        : LayerActivations(
          name: "x", values: values.map { Float($0) }, scalarType: type, exampleCount: n,
          featureAxes: [p])
      return try FeatureMeans(of: layer, examples: Array(0..<n))
    }
    let kinds: [(ScalarType, Bool)] = [(.float32, false), (.float64, false), (.float64, true)]
    for (type, swapped) in kinds {
      values = [Double](repeating: 0.1, count: n * p)
      #expect(try centers(type, swapped: swapped).isConstant)
      values[p * n - 1] = 0.2
      let varied = try centers(type, swapped: swapped)
      #expect(varied.isFinite && !varied.isConstant)
      for bad in [Double.nan, .infinity, -.infinity] {
        for place in [0, p * n - 1] {
          values = [Double](repeating: 0.1, count: n * p)
          values[place] = bad
          #expect(try !centers(type, swapped: swapped).isFinite)
        }
      }
    }
  }
}
