import CKA
import CPUKernels
import Device
import Foundation
import TestSupport
import Testing

@testable import SweepStore

/// Gram matrices kept in float16.
@Suite struct HalfPrecisionTests {
  /// Each of two vectors moves by at most 2⁻¹¹ of its norm, by which an angle changes by no more than
  /// asin 2⁻¹¹, and its cosine by no more than twice that: 9.8e-4. Rounding is independent from number
  /// to number, so that of N numbers (N = b(b−3)/2 a minibatch) it is some 2⁻¹¹/√N·√2 as a rule; five
  /// times that is not seen in a few hundred cells.
  @Test(arguments: [(8, 8), (56, 200)]) func errorIsBounded(batchSize: Int, n: Int) throws {
    let study = try Study(batchSize: batchSize)
    let models = try (1...3).map { try study.write("m\($0)", seed: $0, layers: 6, n: n) }
    try study.sweep("full", models)
    study.settings.storePrecision = .float16
    try study.sweep("half", models)
    let (full, half) = (try study.results("full"), try study.results("half"))
    let numbers = half.plan.batches.reduce(0.0) { $0 + Double($1.count * ($1.count - 3)) / 2 }
    let bound = min(2 * 0x1p-11, 5 * 0x1p-11 * (2 / numbers).squareRoot())
    var largest = 0.0
    for left in 0..<3 {
      for right in 0..<3 {
        let (a, b) = (try full.similarity(left, right), try half.similarity(left, right))
        #expect(b.statuses.elements.allSatisfy { $0 == .ok })
        for (x, y) in zip(a.cka.elements, b.cka.elements) { largest = max(largest, abs(x - y)) }
        if left == right { for i in 0..<6 { #expect(b.cka[i, i] == 1) } }
      }
    }
    #expect(largest <= bound)
    #expect(largest > 1e-9, "nothing was rounded")
    let sizes = try ["full", "half"].map { store in
      try study.files(store).filter { $0.key.hasSuffix(".grams") }.values.reduce(0) {
        $0 + $1.count
      }
    }
    if n == 200 { #expect(Double(sizes[1]) < 0.55 * Double(sizes[0])) }
  }

  /// Outliers of up to a million deviations, in minibatches of 16: what the device lost to them must not
  /// pass for what float16 costs. A cell has a value where it has one in float32, within 9.8e-4 (above) and
  /// the 1e-5 that every value of a device is good to.
  @Test(arguments: [1e2, 1e4, 1e5, 1e6]) func outliersDoNotHideErrors(scale: Double) throws {
    let study = try Study(batchSize: 16)
    study.settings.isStoredOrder = true
    let shared = Activations64.normal(n: 64, p: 6, seed: 70)
    var layers: [Activations64] = []
    for layer in 0..<5 {
      var own = shared.mixed(
        into: Activations64.normal(n: 64, p: 6, seed: UInt64(71 + layer)),
        weight: Double(layer + 1) / 6)
      // One layer has none, and one has it elsewhere.
      let outlier = layer == 4 ? 4 : 3
      if layer != 2 { for k in 0..<6 { own.values[outlier * 6 + k] *= scale } }
      layers.append(own)
      try study.folder.write(
        NPYFile.bytes(own.values, shape: [64, 6]), to: "m/layer\(layer).npy")
    }
    try study.sweep("full", [study.path("m")])
    study.settings.storePrecision = .float16
    try study.sweep("half", [study.path("m")])
    let full = try study.results("full").similarity(0, 0)
    let half = try study.results("half").similarity(0, 0)
    #expect(full.statuses == half.statuses)
    for i in 0..<5 {
      for j in 0..<5 where half.statuses[i, j] == .ok {
        var sums = (0.0, 0.0, 0.0)
        for start in stride(from: 0, to: 64, by: 16) {
          let rows = Array(start..<(start + 16))
          let k = Oracle.gram(layers[i].rows(rows), .linear)
          let l = Oracle.gram(layers[j].rows(rows), .linear)
          sums.0 += Oracle.unbiasedHSIC(k, l, n: 16)
          sums.1 += Oracle.unbiasedHSIC(k, k, n: 16)
          sums.2 += Oracle.unbiasedHSIC(l, l, n: 16)
        }
        let expected = sums.0 / (sums.1 * sums.2).squareRoot()
        #expect(abs(half.cka[i, j] - expected) <= 9.8e-4 + 1e-5, "\(i) \(j)")
      }
    }
  }

  /// Scales that float16 does not hold: powers of two are taken out.
  @Test func scaleDoesNotMatter() throws {
    var cka: [[Double]] = []
    for scale in [1, 0x1p40, 0x1p-40] {
      let study = try Study()
      study.settings.storePrecision = .float16
      let values = Activations64.normal(n: 40, p: 6, seed: 5, scale: scale)
      let others = Activations64.normal(n: 40, p: 4, seed: 6).mixed(
        into: Activations64.normal(n: 40, p: 4, seed: 7), weight: 1)
      try study.folder.write(NPYFile.bytes(values.values, shape: [40, 6]), to: "m/a.npy")
      try study.folder.write(NPYFile.bytes(others.values, shape: [40, 4]), to: "m/b.npy")
      try study.sweep("store", [study.path("m")])
      cka.append(try study.results("store").similarity(0, 0).cka.elements)
    }
    #expect(cka[0] == cka[1] && cka[0] == cka[2])
    #expect(cka[0].allSatisfy { $0.isFinite })
  }

  @Test func numbersAreRoundedToNearestEven() {
    var generator = SeededGenerator(seed: 3)
    var numbers = (0..<4099).map { _ in Float(generator.normal() * 1000) }
    numbers += [0, -0, 65504, 65519, 0x1p-24, 0x1p-25, 0x1.8p-25, 2049, 2051]
    var halves = [UInt16](repeating: 0, count: numbers.count)
    cka_narrow(numbers, numbers.count, 0.5, &halves)
    #expect(halves == numbers.map { Float16($0 * 0.5).bitPattern })
    var widened = [Float](repeating: 0, count: numbers.count)
    cka_widen(halves, halves.count, &widened)
    #expect(widened.map(\.bitPattern) == halves.map { Float(Float16(bitPattern: $0)).bitPattern })
    numbers[2048] = -70000
    for count in [0, 1, 15, 16, 17, 2048, 2049, 4099] {
      #expect(
        cka_largest_magnitude(numbers, count)
          == numbers.prefix(count).map(abs).reduce(0, max))
    }
  }
}
