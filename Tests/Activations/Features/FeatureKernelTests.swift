import CPUKernels
import Foundation
import TestSupport
import Testing

@Suite struct FeatureKernelTests {
  @Test(arguments: sets) func everyFloat16(set: Int) {
    let bits = (0...UInt16.max).map { $0 }
    var out = [Float](repeating: 0, count: bits.count)
    let zeros = [Double](repeating: 0, count: bits.count)
    withRows(bits, n: 1) { rows in
      _ = table(set).center(CKA_FLOAT16, rows, 1, 0, bits.count, zeros, 1, &out, bits.count)
    }
    for (index, pattern) in bits.enumerated() {
      let expected = Float(Float16(bitPattern: pattern))
      #expect(out[index] == expected || (out[index].isNaN && expected.isNaN), "\(pattern)")
    }
  }

  @Test(arguments: sets) func everyBFloat16(set: Int) {
    let bits = (0...UInt16.max).map { $0 }
    var out = [Float](repeating: 0, count: bits.count)
    let zeros = [Double](repeating: 0, count: bits.count)
    withRows(bits, n: 1) { rows in
      _ = table(set).center(CKA_BFLOAT16, rows, 1, 0, bits.count, zeros, 1, &out, bits.count)
    }
    for (index, pattern) in bits.enumerated() {
      let expected = Float(bitPattern: UInt32(pattern) << 16)
      #expect(out[index] == expected || (out[index].isNaN && expected.isNaN), "\(pattern)")
    }
  }

  @Test(arguments: sets, [(1, 1), (4, 3), (5, 17), (33, 300), (64, 16), (97, 531)])
  func samplesAndCenters(set: Int, shape: (Int, Int)) {
    let (n, p) = shape
    let x = Activations64.normal(n: n, p: p, seed: 3, offset: 1000)
    let first = p / 3
    let count = p - first
    var shift = [Double](repeating: 7, count: count + 1)
    var out = [Float](repeating: sentinel, count: n * (count + 2))
    let largest = withRows(x.values.map { Float($0) }, n: n) { rows in
      table(set).sample(CKA_FLOAT32, rows, n, first, count, &shift)
      return table(set).center(CKA_FLOAT32, rows, n, first, count, shift, 0.5, &out, count + 2)
    }
    #expect(shift[count] == 7)
    // The examples that the header promises: 16 of them, spread evenly, or all.
    let samples = n <= 16 ? Array(0..<n) : (0..<16).map { $0 * n / 16 }
    var expectedLargest = 0.0
    for k in 0..<count {
      let mean = samples.map { x[$0, first + k] }.reduce(0, +) / Double(samples.count)
      #expect(abs(shift[k] - mean) < 1e-12 * 1000)
      for i in 0..<n {
        // The shift is rounded to float32 near 1,000 (2⁻¹⁵), which all rows share; the difference
        // below 8 once more, and halving is exact.
        let expected = (x[i, first + k] - Double(Float(shift[k]))) * 0.5
        #expect(abs(Double(out[i * (count + 2) + k]) - expected) <= 0x1p-23)
        expectedLargest = max(expectedLargest, abs(Double(out[i * (count + 2) + k])))
      }
    }
    #expect(Double(largest) == expectedLargest)
    for i in 0..<n {
      #expect(
        out[i * (count + 2) + count] == sentinel && out[i * (count + 2) + count + 1] == sentinel)
    }
  }

  @Test(arguments: sets) func everyTypeIsCenteredAndPacked(set: Int) {
    let (n, count) = (37, 41)
    let numbers = (0..<(n * count)).map { ($0 * 37) % 101 }
    func check<T: BitwiseCopyable>(_ type: cka_native_type, _ values: [T]) {
      let shift = (0..<count).map { Double($0) + 0.5 }
      let kernels = table(set)
      let panelStride = count * kernels.panel_rows
      let panelCount = (n + kernels.panel_rows - 1) / kernels.panel_rows
      var out = [Float](repeating: 0, count: n * count)
      var panels = [Float](repeating: sentinel, count: panelCount * panelStride)
      var sampled = [Double](repeating: 0, count: count)
      let largest = withRows(values, n: n) { rows in
        kernels.sample(type, rows, n, 0, count, &sampled)
        let largest = kernels.center(type, rows, n, 0, count, shift, 1, &out, count)
        #expect(kernels.pack(type, rows, n, 0, count, shift, 1, &panels, panelStride) == largest)
        return largest
      }
      let samples = (0..<16).map { $0 * n / 16 }
      for k in 0..<count {
        #expect(sampled[k] == samples.reduce(0.0) { $0 + Double(numbers[$1 * count + k]) } / 16)
        for i in 0..<n {
          // Halves of small whole numbers are exact in every type.
          let expected = Float(Double(numbers[i * count + k]) - shift[k])
          #expect(out[i * count + k] == expected)
          let panel = i / kernels.panel_rows
          let place = panel * panelStride + k * kernels.panel_rows + i % kernels.panel_rows
          #expect(panels[place] == expected)
        }
      }
      #expect(largest == out.map(abs).max())
    }
    check(CKA_FLOAT32, numbers.map { Float($0) })
    check(CKA_FLOAT16, numbers.map { Float16($0).bitPattern })
    check(CKA_BFLOAT16, numbers.map { UInt16(Float($0).bitPattern >> 16) })
    check(CKA_FLOAT64, numbers.map { Double($0) })
    check(CKA_INT8, numbers.map { Int8($0) })
    check(CKA_INT16, numbers.map { Int16($0) })
    check(CKA_INT32, numbers.map { Int32($0) })
    check(CKA_UINT8, numbers.map { UInt8($0) })
    check(CKA_UINT16, numbers.map { UInt16($0) })
    check(CKA_UINT32, numbers.map { UInt32($0) })
  }

  @Test(arguments: sets) func largeOffsetsCostNothing(set: Int) {
    // 2⁵⁰ and 2³¹ are far above what float32 tells apart.
    let small = (0..<12).map { $0 * $0 }
    func check<T: BitwiseCopyable>(_ type: cka_native_type, _ values: [T]) {
      var shift = [0.0]
      var out = [Float](repeating: 0, count: 12)
      withRows(values, n: 12) { rows in
        table(set).sample(type, rows, 12, 0, 1, &shift)
        _ = table(set).center(type, rows, 12, 0, 1, shift, 1, &out, 1)
      }
      for i in 0..<12 {
        // The shift is a mean of 12 whole numbers, rounded to 2⁻² near 2⁵⁰.
        let difference = Double(out[i] - out[0]) - Double(small[i] - small[0])
        #expect(abs(difference) <= 0x1p-17)
        #expect(abs(Double(out[i]) - (Double(small[i]) - 506.0 / 12)) < 0.2)
      }
    }
    check(CKA_FLOAT64, small.map { 0x1p50 + Double($0) })
    check(CKA_INT32, small.map { Int32.max - 200 + Int32($0) })
    check(CKA_UINT32, small.map { UInt32.max - 200 + UInt32($0) })
  }

  @Test(arguments: sets, [(1, 1), (4, 3), (31, 40), (32, 16), (33, 300), (97, 31)])
  func packsWhatItCenters(set: Int, shape: (Int, Int)) {
    let (n, count) = shape
    let kernels = table(set)
    let x = Activations64.normal(n: n, p: count, seed: 4)
    let shift = (0..<count).map { Double(Float($0) / 7) }
    var rowsOut = [Float](repeating: 0, count: n * count)
    let panelCount = (n + kernels.panel_rows - 1) / kernels.panel_rows
    // Room for one feature more, which is not touched: panels may be parts of wider ones.
    let panelStride = kernels.panel_rows * (count + 1)
    var panels = [Float](repeating: sentinel, count: panelCount * panelStride)
    withRows(x.values.map { Float($0) }, n: n) { rows in
      _ = kernels.center(CKA_FLOAT32, rows, n, 0, count, shift, 2, &rowsOut, count)
      _ = kernels.pack(CKA_FLOAT32, rows, n, 0, count, shift, 2, &panels, panelStride)
    }
    for i in 0..<(panelCount * kernels.panel_rows) {
      let panel = i / kernels.panel_rows * panelStride + i % kernels.panel_rows
      for k in 0..<count {
        let place = panel + k * kernels.panel_rows
        #expect(panels[place] == (i < n ? rowsOut[i * count + k] : 0), "row \(i), feature \(k)")
      }
      #expect(panels[panel + count * kernels.panel_rows] == sentinel)
    }
  }

  @Test(arguments: sets) func tellsOfConstantAndNonFiniteFeatures(set: Int) {
    let kernels = table(set)
    var values = [Float](repeating: 0.1, count: 12 * 40)
    func largest() -> [Float] {
      var shift = [Double](repeating: 0, count: 40)
      var out = [Float](repeating: 0, count: 12 * 40)
      var panels = [Float](repeating: 0, count: 64 * 40)
      return withRows(values, n: 12) { rows in
        kernels.sample(CKA_FLOAT32, rows, 12, 0, 40, &shift)
        return [
          kernels.center(CKA_FLOAT32, rows, 12, 0, 40, shift, 1, &out, 40),
          kernels.pack(CKA_FLOAT32, rows, 12, 0, 40, shift, 1, &panels, kernels.panel_rows * 40),
        ]
      }
    }
    #expect(largest() == [0, 0])
    values[7 * 40 + 39] = 0.2
    // Eleven twelfths of the difference, to float32's rounding near 0.1.
    for found in largest() { #expect(abs(found - 0.1 * 11 / 12) < 0x1p-26) }
    for bad in [Float.nan, .infinity, -.infinity] {
      for place in [7 * 40 + 39, 3 * 40] {
        values = [Float](repeating: 0.1, count: 12 * 40)
        values[place] = bad
        for found in largest() { #expect(!found.isFinite) }
      }
    }
  }
}
