import CPUKernels
import Foundation
import TestSupport
import Testing

/// Every instruction set this processor can run; the last is the portable one.
private let sets: [Int] = Array(0..<cka_cpu_kernels_count())

private func table(_ index: Int) -> cka_cpu_kernels_table { cka_cpu_kernels(index).pointee }

/// Rows of `x` as the kernels want them: addresses, here not aligned to the type.
private func withRows<T: BitwiseCopyable, R>(
  _ values: [T], n: Int, _ body: (UnsafePointer<UnsafeRawPointer>) -> R
) -> R {
  let size = MemoryLayout<T>.size
  let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: values.count * size + 1, alignment: 64)
  defer { memory.deallocate() }
  values.withUnsafeBytes {
    UnsafeMutableRawBufferPointer(rebasing: memory[1...]).copyMemory(from: $0)
  }
  let start = UnsafeRawPointer(memory.baseAddress.unsafelyUnwrapped) + 1
  let rows = (0..<n).map { start + $0 * (values.count / n) * size }
  return rows.withUnsafeBufferPointer { body($0.baseAddress.unsafelyUnwrapped) }
}

/// Fills numbers around an output, to see that nothing else is written.
private let sentinel: Float = -12345.5

@Suite struct FeatureKernelTests {
  @Test(arguments: sets) func everyFloat16(set: Int) {
    let bits = (0...UInt16.max).map { $0 }
    var out = [Float](repeating: 0, count: bits.count)
    let zeros = [Float](repeating: 0, count: bits.count)
    withRows(bits, n: 1) { rows in
      table(set).center(CKA_FLOAT16, rows, 1, 0, bits.count, zeros, 1, &out, bits.count)
    }
    for (index, pattern) in bits.enumerated() {
      let expected = Float(Float16(bitPattern: pattern))
      #expect(out[index] == expected || (out[index].isNaN && expected.isNaN), "\(pattern)")
    }
  }

  @Test(arguments: sets) func everyBFloat16(set: Int) {
    let bits = (0...UInt16.max).map { $0 }
    var out = [Float](repeating: 0, count: bits.count)
    let zeros = [Float](repeating: 0, count: bits.count)
    withRows(bits, n: 1) { rows in
      table(set).center(CKA_BFLOAT16, rows, 1, 0, bits.count, zeros, 1, &out, bits.count)
    }
    for (index, pattern) in bits.enumerated() {
      let expected = Float(bitPattern: UInt32(pattern) << 16)
      #expect(out[index] == expected || (out[index].isNaN && expected.isNaN), "\(pattern)")
    }
  }

  @Test(arguments: sets, [(1, 1), (4, 3), (5, 17), (33, 300), (64, 16), (97, 531)])
  func measuresAndCenters(set: Int, shape: (Int, Int)) {
    let (n, p) = shape
    let x = Activations64.normal(n: n, p: p, seed: 3, offset: 1000)
    let first = p / 3
    let count = p - first
    var shift = [Float](repeating: sentinel, count: count + 1)
    var out = [Float](repeating: sentinel, count: n * (count + 2))
    let statistics = withRows(x.values.map { Float($0) }, n: n) { rows in
      let statistics = table(set).measure(CKA_FLOAT32, rows, n, first, count, &shift)
      table(set).center(CKA_FLOAT32, rows, n, first, count, shift, 0.5, &out, count + 2)
      return statistics
    }
    #expect(statistics.finite)
    #expect(shift[count] == sentinel)
    var largest = 0.0
    for k in 0..<count {
      let column = (0..<n).map { x[$0, first + k] }
      let mean = column.reduce(0, +) / Double(n)
      // Float32 spacing at 1,000 is 6e-5; the sum of differences of size 5 rounds far below that.
      #expect(abs(Double(shift[k]) - mean) < 1e-4)
      largest = max(largest, column.map { abs($0 - column[0]) }.max() ?? 0)
      for i in 0..<n {
        let expected = (x[i, first + k] - Double(shift[k])) * 0.5
        // One rounding of a difference below 8, halved exactly.
        #expect(abs(Double(out[i * (count + 2) + k]) - expected) <= 0x1p-23)
      }
    }
    // The difference of float32 numbers near 1,000 is exact.
    #expect(Double(statistics.largest) == largest)
    for i in 0..<n {
      #expect(
        out[i * (count + 2) + count] == sentinel && out[i * (count + 2) + count + 1] == sentinel)
    }
  }

  @Test(arguments: sets, [(1, 1), (4, 3), (31, 40), (32, 16), (33, 300), (97, 31)])
  func packsWhatItCenters(set: Int, shape: (Int, Int)) {
    let (n, count) = shape
    let kernels = table(set)
    let x = Activations64.normal(n: n, p: count, seed: 4)
    let shift = (0..<count).map { Float($0) / 7 }
    var rowsOut = [Float](repeating: 0, count: n * count)
    let panelCount = (n + kernels.panel_rows - 1) / kernels.panel_rows
    var panels = [Float](
      repeating: sentinel, count: panelCount * kernels.panel_rows * count + 1)
    withRows(x.values.map { Float($0) }, n: n) { rows in
      kernels.center(CKA_FLOAT32, rows, n, 0, count, shift, 2, &rowsOut, count)
      kernels.center_pack(CKA_FLOAT32, rows, n, 0, count, shift, 2, &panels)
    }
    for i in 0..<(panelCount * kernels.panel_rows) {
      for k in 0..<count {
        let panel = i / kernels.panel_rows
        let place = (panel * count + k) * kernels.panel_rows + i % kernels.panel_rows
        #expect(panels[place] == (i < n ? rowsOut[i * count + k] : 0), "row \(i), feature \(k)")
      }
    }
    #expect(panels.last == sentinel)
  }

  @Test(arguments: sets) func tellsOfConstantAndNonFiniteFeatures(set: Int) {
    var values = [Float](repeating: 0.1, count: 12 * 40)
    var shift = [Float](repeating: 0, count: 40)
    func measure() -> cka_slab_statistics {
      withRows(values, n: 12) { table(set).measure(CKA_FLOAT32, $0, 12, 0, 40, &shift) }
    }
    #expect(measure().largest == 0)
    values[7 * 40 + 39] = 0.2
    #expect(measure().largest == Float(0.2) - Float(0.1))
    for bad in [Float.nan, .infinity, -.infinity] {
      values[7 * 40 + 39] = bad
      #expect(!measure().finite)
    }
  }
}

@Suite struct GramKernelTests {
  @Test(arguments: sets, [(1, 1), (4, 3), (31, 40), (33, 300), (64, 17), (100, 256)])
  func accumulatesTheLowerTriangle(set: Int, shape: (Int, Int)) {
    let (n, count) = shape
    let kernels = table(set)
    let x = Activations64.normal(n: n, p: count, seed: 5)
    let stride = (n + kernels.panel_rows - 1) / kernels.panel_rows * kernels.panel_rows
    var panels = [Float](repeating: 0, count: stride * count)
    var k = [Float](repeating: 1, count: stride * stride)
    withRows(x.values.map { Float($0) }, n: n) { rows in
      kernels.center_pack(
        CKA_FLOAT32, rows, n, 0, count, [Float](repeating: 0, count: count), 1, &panels)
    }
    kernels.accumulate(panels, n, count, &k, stride)
    for i in 0..<n {
      for j in 0...i {
        let terms = (0..<count).map { x[i, $0] * x[j, $0] }
        let expected = 1 + terms.reduce(0, +)
        // A sum of `count` products, each step rounded: count · 2⁻²⁴ of the sum of magnitudes.
        let bound = Double(count + 1) * 0x1p-24 * (1 + terms.reduce(0) { $0 + abs($1) })
        #expect(abs(Double(k[i * stride + j]) - expected) <= bound)
      }
    }
  }

  @Test(arguments: sets, [2, 5, 33, 100]) func distancesAndExponentials(set: Int, n: Int) {
    var k = (0..<(n * n)).map { Float(($0 * 7919) % 1000) / 100 }
    for i in 0..<n { k[i * (n + 1)] = Float(20 + i) }
    let before = k
    table(set).squared_distances(&k, n, n)
    for i in 0..<n {
      for j in 0..<i {
        let expected =
          Double(before[i * (n + 1)]) + Double(before[j * (n + 1)]) - 2 * Double(before[i * n + j])
        #expect(k[i * n + j] == Float(max(expected, 0)))
      }
    }
    for lessOne in [false, true] {
      for factor: Float in [1e-6, 0.003, 0.02, 1, 3] {
        var values = k
        table(set).exponentiate(&values, n, n, factor, lessOne)
        for i in 0..<n {
          #expect(values[i * (n + 1)] == (lessOne ? 0 : 1))
          for j in 0..<i {
            let x = -Double(k[i * n + j]) * Double(factor)
            let expected = lessOne ? expm1(x) : exp(x)
            // The argument's rounding, |x| 2⁻²⁴, and 4 units in the last place of the function.
            let bound = abs(expected) * (abs(x) + 8) * 0x1p-24 + (lessOne ? abs(x) * 0x1p-24 : 0)
            let lost: Double = x <= -87 ? exp(-87.0) : 0
            #expect(abs(Double(values[i * n + j]) - expected) <= bound + lost, "\(x)")
          }
        }
      }
    }
  }

  @Test(arguments: sets, [2, 4, 5, 33, 100]) func centersTriangles(set: Int, n: Int) {
    let k = (0..<(n * n)).map { Float(($0 * 7919) % 1000) / 100 }
    func entry(_ i: Int, _ j: Int) -> Double { Double(k[max(i, j) * n + min(i, j)]) }
    for hollow in [false, true] {
      var sums = [Double](repeating: .nan, count: n)
      let statistics = table(set).row_sums(k, n, n, hollow, &sums)
      for i in 0..<n {
        let expected = (0..<n).reduce(0) { $0 + (hollow && $1 == i ? 0 : entry(i, $1)) }
        #expect(abs(sums[i] - expected) <= 1e-12 * abs(expected))
      }
      let all = (0..<n).flatMap { i in
        (0..<n).map { j in hollow && i == j ? 0 : entry(i, j) }
      }
      #expect(abs(statistics.sum - all.reduce(0, +)) <= 1e-12 * abs(statistics.sum))
      let norm = all.reduce(0) { $0 + $1 * $1 }
      #expect(abs(statistics.squared_norm - norm) <= 1e-12 * norm)
      #expect(statistics.trace == (0..<n).reduce(0) { $0 + entry($1, $1) })

      let m = (0..<n).map { Double($0) / 3 }
      let count = n * (n + (hollow ? -1 : 1)) / 2
      var packed = [Float](repeating: sentinel, count: count + 1)
      table(set).center_triangle(k, n, n, hollow, m, 0.25, &packed)
      var place = 0
      for i in 0..<n {
        for j in 0...i where !(hollow && i == j) {
          let weight = i == j ? 1 : 2.0.squareRoot()
          #expect(packed[place] == Float((entry(i, j) - m[i] - m[j]) * 0.25 * weight))
          place += 1
        }
      }
      #expect(packed[count] == sentinel)
    }
  }

  @Test func selectsEveryOrderStatistic() {
    let n = 23
    var generator = SeededGenerator(seed: 11)
    // Many equal numbers, and numbers of all magnitudes.
    let k = (0..<(n * n)).map { _ in
      let x = generator.normal()
      return generator.next() % 3 == 0 ? Float(Int(abs(x) * 2)) : Float(exp(20 * x))
    }
    let sorted = (1..<n).flatMap { i in (0..<i).map { k[i * n + $0] } }.sorted()
    for rank in sorted.indices { #expect(cka_select(k, n, n, UInt64(rank)) == sorted[rank]) }
  }
}
