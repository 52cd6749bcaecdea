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

@Suite struct GramKernelTests {
  /// n × p numbers as panels.
  private func panels(_ x: Activations64, _ kernels: cka_cpu_kernels_table) -> [Float] {
    let panelCount = (x.n + kernels.panel_rows - 1) / kernels.panel_rows
    var panels = [Float](repeating: 0, count: panelCount * kernels.panel_rows * x.p)
    withRows(x.values.map { Float($0) }, n: x.n) { rows in
      _ = kernels.pack(
        CKA_FLOAT32, rows, x.n, 0, x.p, [Double](repeating: 0, count: x.p), 1, &panels,
        x.p * kernels.panel_rows)
    }
    return panels
  }

  @Test(arguments: sets, [(1, 1), (4, 3), (31, 40), (33, 300), (64, 17), (100, 256)])
  func multiplies(set: Int, shape: (Int, Int)) {
    let (n, count) = shape
    let kernels = table(set)
    let x = Activations64.normal(n: n, p: count, seed: 5)
    let y = Activations64.normal(n: n / 2 + 1, p: count, seed: 6)
    let (left, right) = (panels(x, kernels), panels(y, kernels))
    let stride = (n + kernels.panel_rows - 1) / kernels.panel_rows * kernels.panel_rows + 3
    for isLower in [true, false] {
      var c = [Float](repeating: 1, count: stride * stride)
      let other = isLower ? x : y
      kernels.multiply(
        left, n, isLower ? left : right, other.n, count, isLower, &c, stride)
      for i in 0..<n {
        for j in 0..<(isLower ? i + 1 : other.n) {
          let terms = (0..<count).map { x[i, $0] * other[j, $0] }
          let expected = 1 + terms.reduce(0, +)
          // A sum of `count` products, each step rounded: count · 2⁻²⁴ of the sum of magnitudes.
          let bound = Double(count + 1) * 0x1p-24 * (1 + terms.reduce(0) { $0 + abs($1) })
          #expect(abs(Double(c[i * stride + j]) - expected) <= bound)
        }
      }
    }
  }

  /// The same rows give the same bits in every place, on the diagonal and off it.
  @Test(arguments: sets) func aProductDoesNotDependOnItsPlace(set: Int) {
    let kernels = table(set)
    let row = Activations64.normal(n: 1, p: 200, seed: 8)
    let n = 2 * kernels.panel_rows + 5
    let x = Activations64(n: n, p: 200, values: (0..<n).flatMap { _ in row.values })
    let packed = panels(x, kernels)
    let stride = 3 * kernels.panel_rows
    var (lower, all) = (
      [Float](repeating: 0, count: stride * stride), [Float](repeating: 0, count: stride * stride)
    )
    kernels.multiply(packed, n, packed, n, 200, true, &lower, stride)
    kernels.multiply(packed, n, packed, n, 200, false, &all, stride)
    for i in 0..<n {
      for j in 0..<n {
        #expect(all[i * stride + j] == all[0])
        if j <= i { #expect(lower[i * stride + j] == all[0]) }
      }
    }
  }

  @Test(arguments: sets) func drainsIntoFloat64(set: Int) {
    var c = (0..<60).map { Float($0) }
    var sums = [Double](repeating: 0.25, count: 40)
    table(set).drain(&c, 5, 7, 12, &sums, 8)
    for i in 0..<5 {
      for j in 0..<12 { #expect(c[i * 12 + j] == (j < 7 ? 0 : Float(i * 12 + j))) }
      for j in 0..<8 { #expect(sums[i * 8 + j] == (j < 7 ? Double(i * 12 + j) + 0.25 : 0.25)) }
    }
  }

  @Test(arguments: sets, [2, 5, 33, 100]) func distancesAndExponentials(set: Int, n: Int) {
    var k = (0..<(n * n)).map { Float(($0 * 7919) % 1000) / 100 }
    for i in 0..<n { k[i * (n + 1)] = Float(20 + i) }
    let before = k
    let diagonal = (0..<n).map { k[$0 * (n + 1)] }
    // In two runs of rows.
    k.withUnsafeMutableBufferPointer { k in
      let start = k.baseAddress!
      table(set).squared_distances(start, 0, n / 2, n, n, diagonal)
      table(set).squared_distances(start + n / 2 * n, n / 2, n, n, n, diagonal)
    }
    for i in 0..<n {
      for j in 0..<i {
        let sum = Double(before[i * (n + 1)]) + Double(before[j * (n + 1)])
        let expected = sum - 2 * Double(before[i * n + j])
        #expect(k[i * n + j] == (expected > sum * 0x1p-22 ? Float(expected) : 0))
      }
    }
    for lessOne in [false, true] {
      for factor: Float in [1e-6, 0.003, 0.02, 1, 3] {
        var values = k
        values.withUnsafeMutableBufferPointer { values in
          let start = values.baseAddress!
          table(set).exponentiate(start, 0, n / 2, n, n, factor, lessOne)
          table(set).exponentiate(start + n / 2 * n, n / 2, n, n, n, factor, lessOne)
        }
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
      var sums = [Double](repeating: 0, count: n)
      var statistics = table(set).row_sums(k, 0, n / 3, n, n, hollow, &sums)
      let rest = table(set).row_sums(Array(k[(n / 3 * n)...]), n / 3, n, n, n, hollow, &sums)
      statistics.squared_norm += rest.squared_norm
      statistics.trace += rest.trace
      for i in 0..<n {
        let expected = (0..<n).reduce(0) { $0 + (hollow && $1 == i ? 0 : entry(i, $1)) }
        #expect(abs(sums[i] - expected) <= 1e-12 * abs(expected))
      }
      let all = (0..<n).flatMap { i in
        (0..<n).map { j in hollow && i == j ? 0 : entry(i, j) }
      }
      let norm = all.reduce(0) { $0 + $1 * $1 }
      #expect(abs(statistics.squared_norm - norm) <= 1e-12 * norm)
      #expect(statistics.trace == (0..<n).reduce(0) { $0 + entry($1, $1) })

      let m = (0..<n).map { Double($0) / 3 }
      let count = n * (n + (hollow ? -1 : 1)) / 2
      var packed = [Float](repeating: sentinel, count: count + 1)
      packed.withUnsafeMutableBufferPointer { packed in
        let (half, start) = (n / 2, packed.baseAddress!)
        table(set).center_packed(k, 0, half, n, n, hollow, m, 0.25, start)
        table(set).center_packed(
          Array(k[(half * n)...]), half, n, n, n, hollow, m, 0.25,
          start + half * (half + (hollow ? -1 : 1)) / 2)
      }
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

  @Test func countsByBits() {
    let n = 23
    var generator = SeededGenerator(seed: 11)
    // Many equal numbers, and numbers of all magnitudes.
    let k = (0..<(n * n)).map { _ in
      let x = generator.normal()
      return generator.next() % 3 == 0 ? Float(Int(abs(x) * 2)) : Float(exp(20 * x))
    }
    let entries = (2..<n - 1).flatMap { i in (0..<i).map { k[i * n + $0].bitPattern } }
    for isUpper in [true, false] {
      let prefix = entries[40] >> 16
      var expected = [UInt64](repeating: 0, count: 1 << 16)
      for entry in entries where isUpper || entry >> 16 == prefix {
        expected[Int(isUpper ? entry >> 16 : entry & 0xffff)] += 1
      }
      var found = [UInt64](repeating: 0, count: 1 << 16)
      cka_histogram(Array(k[(2 * n)...]), 2, n - 1, n, n, isUpper, prefix, &found)
      #expect(found == expected)
    }
  }

  /// A tile below the diagonal is rows of the whole matrix past the tile's last column.
  @Test(arguments: sets, [(5, 3), (40, 33), (3, 50)]) func tilesAreRowsOfTheMatrix(
    set: Int, shape: (rows: Int, columns: Int)
  ) {
    let (rows, columns) = shape
    let n = columns + rows
    let stride = columns + 2
    let whole = (0..<(n * stride)).map { Float(($0 * 7919) % 1000) / 100 }
    let tile = Array(whole[(columns * stride)...])
    let diagonal = (0..<n).map { Float(20 + $0) }
    var distances = tile
    table(set).squared_distances(&distances, columns, n, columns, stride, diagonal)
    var exponentials = distances
    table(set).exponentiate(&exponentials, columns, n, columns, stride, 0.01, false)
    let m = (0..<n).map { Double($0) / 3 }
    var packed = [Float](repeating: sentinel, count: rows * columns + 1)
    table(set).center_packed(tile, columns, n, columns, stride, false, m, 0.25, &packed)
    var sums = [Double](repeating: 0, count: n)
    let statistics = table(set).row_sums(tile, columns, n, columns, stride, false, &sums)
    var counts = [UInt64](repeating: 0, count: 1 << 16)
    cka_histogram(tile, columns, n, columns, stride, true, 0, &counts)
    var (wantedSums, norm) = ([Double](repeating: 0, count: n), 0.0)
    var wantedCounts = [UInt64](repeating: 0, count: 1 << 16)
    for i in 0..<rows {
      for j in 0..<stride {
        let place = i * stride + j
        guard j < columns else {
          // What lies beside the tile stays as it is.
          #expect(distances[place] == tile[place] && exponentials[place] == tile[place])
          continue
        }
        let value = Double(tile[place])
        let sum = Double(diagonal[columns + i]) + Double(diagonal[j])
        #expect(distances[place] == Float(sum - 2 * value))
        #expect(abs(exponentials[place] - Float(exp(-(sum - 2 * value) * 0.01))) <= 0x1p-21)
        #expect(
          packed[i * columns + j]
            == Float((value - m[columns + i] - m[j]) * 0.25 * 2.0.squareRoot()))
        wantedSums[columns + i] += value
        wantedSums[j] += value
        norm += 2 * value * value
        wantedCounts[Int(tile[place].bitPattern >> 16)] += 1
      }
    }
    #expect(packed[rows * columns] == sentinel)
    for (found, wanted) in zip(sums, wantedSums) { #expect(abs(found - wanted) <= 1e-12 * wanted) }
    #expect(abs(statistics.squared_norm - norm) <= 1e-12 * norm && statistics.trace == 0)
    #expect(counts == wantedCounts)
  }

  @Test(arguments: sets) func addsRowProducts(set: Int) {
    let (n, count, stride) = (7, 45, 50)
    let x = Activations64.normal(n: n, p: stride, seed: 9)
    let v = (0..<count).map { Double($0) / 7 }
    var (squares, products) = (
      [Double](repeating: 1, count: n), [Double](repeating: 2, count: n)
    )
    table(set).row_products(x.values.map { Float($0) }, n, count, stride, v, &squares, &products)
    for i in 0..<n {
      let square = (0..<count).reduce(1) { $0 + x[i, $1] * x[i, $1] }
      let product = (0..<count).reduce(2) { $0 + x[i, $1] * v[$1] }
      #expect(abs(squares[i] - square) <= 1e-12 * square)
      #expect(abs(products[i] - product) <= 1e-12 * (abs(product) + square * 10))
    }
  }
}
