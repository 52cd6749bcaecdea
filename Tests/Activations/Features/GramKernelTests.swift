import CPUKernels
import Foundation
import TestSupport
import Testing

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
      expectProducts(
        in: c, stride: stride, isLower: isLower, n: n, columns: other.n, count: count,
        { x[$0, $1] }, { other[$0, $1] })
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
    expectEqualProducts(lower: lower, all: all, n: n, stride: stride)
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
    for zeroDiagonal in [false, true] {
      var sums = [Double](repeating: 0, count: n)
      var statistics = table(set).row_sums(k, 0, n / 3, n, n, zeroDiagonal, &sums)
      let rest = table(set).row_sums(Array(k[(n / 3 * n)...]), n / 3, n, n, n, zeroDiagonal, &sums)
      statistics.squared_norm += rest.squared_norm
      statistics.trace += rest.trace
      for i in 0..<n {
        let expected = (0..<n).reduce(0) { $0 + (zeroDiagonal && $1 == i ? 0 : entry(i, $1)) }
        #expect(abs(sums[i] - expected) <= 1e-12 * abs(expected))
      }
      let all = (0..<n).flatMap { i in
        (0..<n).map { j in zeroDiagonal && i == j ? 0 : entry(i, j) }
      }
      let norm = all.reduce(0) { $0 + $1 * $1 }
      #expect(abs(statistics.squared_norm - norm) <= 1e-12 * norm)
      #expect(statistics.trace == (0..<n).reduce(0) { $0 + entry($1, $1) })

      let m = (0..<n).map { Double($0) / 3 }
      let count = n * (n + (zeroDiagonal ? -1 : 1)) / 2
      var packed = [Float](repeating: sentinel, count: count + 1)
      packed.withUnsafeMutableBufferPointer { packed in
        let (half, start) = (n / 2, packed.baseAddress!)
        table(set).center_packed(k, 0, half, n, n, zeroDiagonal, m, 0.25, start)
        table(set).center_packed(
          Array(k[(half * n)...]), half, n, n, n, zeroDiagonal, m, 0.25,
          start + half * (half + (zeroDiagonal ? -1 : 1)) / 2)
      }
      var place = 0
      for i in 0..<n {
        for j in 0...i where !(zeroDiagonal && i == j) {
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

  @Test(arguments: sets, [1, 3, 4, 9]) func multipliesRowsWithWideVectors(set: Int, n: Int) {
    let (count, vectors) = (45, 8)
    let x = Activations64.normal(n: n, p: count, seed: 9)
    let v = Activations64.normal(n: vectors, p: count, seed: 10)
    // A number after the last: it is not written.
    var products = [Double](repeating: 7, count: n * vectors + 1)
    table(set).wide_products(
      x.values.map { Float($0) }, n, count, v.values, vectors, &products)
    for i in 0..<n {
      for k in 0..<vectors {
        let product = (0..<count).reduce(0) { $0 + Double(Float(x[i, $1])) * v[k, $1] }
        // 45 terms of about 1, each rounded once or twice to 2⁻⁵³.
        #expect(abs(products[i * vectors + k] - product) < 1e-13)
      }
    }
    #expect(products.last == 7)
  }
}
