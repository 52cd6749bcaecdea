import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

/// Sums of products of one tile on the device, as reduce.cl leaves them, behind those of other layers.
private struct TileOnDevice {
  let runtime: Runtime
  let n: Int
  let rows: Range<Int>
  let columns: Range<Int>
  let shape: MatrixShape
  let stack: Guarded<Float>
  let vectors: TileVectors
  let chunk: ChunkMatrices
  private let norms: Guarded<Float>
  private let means: Guarded<Float>

  /// - Parameters:
  ///   - matrices: n × n, symmetric. The first is of another chunk.
  ///   - rowMeans: one list a matrix.
  init(
    _ runtime: Runtime, _ matrices: [[Float]], rowMeans: [[Float]], records: [LayerRecord], n: Int,
    rows: Range<Int>, columns: Range<Int>, centering: GramCentering
  ) throws {
    self.runtime = runtime
    self.n = n
    self.rows = rows
    self.columns = columns
    shape = MatrixShape(
      part: rows == columns
        ? .triangle(rows.count) : .rectangle(rows: rows.count, columns: columns.count),
      centering: centering)
    let isTriangle = rows == columns
    let examples = Array(rows) + (isTriangle ? [] : Array(columns))
    var numbers: [Float] = []
    var diagonals: [Float] = []
    for matrix in matrices.dropFirst() {
      let start = numbers.count
      for i in rows {
        for j in columns where !isTriangle || j < i { numbers.append(matrix[i * n + j]) }
        if isTriangle, centering == .biased { numbers.append(.nan) }  // The diagonal lies apart.
        diagonals.append(matrix[i * n + i])
      }
      numbers += Array(repeating: .nan, count: start + shape.layerStride - numbers.count)
    }
    stack = try Guarded(runtime, numbers)
    norms = try Guarded(runtime, matrices.flatMap { k in examples.map { k[$0 * n + $0] } })
    means = try Guarded(runtime, rowMeans.flatMap { m in examples.map { m[$0] } })
    vectors = TileVectors(norms: norms.buffer, means: means.buffer)
    let table = try runtime.buffer(byteCount: records.count * 32)
    try runtime.upload(records, to: table)
    let diagonalBuffer = try runtime.buffer(byteCount: diagonals.count * 4)
    try runtime.upload(diagonals, to: diagonalBuffer)
    chunk = ChunkMatrices(
      stack: stack.buffer, diagonals: diagonalBuffer, firstLayer: 1,
      layerCount: matrices.count - 1, shape: shape, records: table)
  }

  /// The entries below the whole matrix's diagonal, and on it where `withDiagonal`, with their place.
  func forEachEntry(withDiagonal: Bool, _ body: (_ i: Int, _ j: Int, _ place: Int) -> Void) {
    var place = 0
    for i in rows {
      for j in columns where j < i {
        body(i, j, place)
        place += 1
      }
      if rows == columns, shape.centering == .biased {
        if withDiagonal { body(i, i, place) }
        place += 1
      }
    }
  }
}

struct TileKernelTests {
  /// Triangles and rectangles, smaller and larger than groups and strips.
  static let tiles: [(rows: Range<Int>, columns: Range<Int>)] =
    Fixture.isSimulated
    ? [(2..<11, 2..<11), (36..<45, 1..<36)]
    : [(0..<1, 0..<1), (3..<40, 3..<40), (20..<27, 2..<19), (39..<40, 0..<39), (5..<90, 1..<5)]

  private static let n = 90
  private static let layers = [1, 3, 20].map { Activations64.normal(n: n, p: $0, seed: 5) }
  private static let matrices = layers.map { Oracle.gram($0, .linear).map { Float($0) } }

  /// The kernels' own float32 arithmetic.
  private func squaredDistance(_ matrix: [Float], _ i: Int, _ j: Int) -> Float {
    let n = Self.n
    let sum = matrix[i * n + i] + matrix[j * n + j]
    let squared = sum.addingProduct(-2, matrix[i * n + j])
    return squared > sum * 0x1p-22 ? squared : 0
  }

  private func made(
    _ tile: (rows: Range<Int>, columns: Range<Int>), _ centering: GramCentering,
    float64: Bool = true,
    records: [LayerRecord]
  ) throws -> (TileOnDevice, means: [[Float]]) {
    var generator = SeededGenerator(seed: 8)
    let means = records.map { _ in (0..<Self.n).map { _ in Float(generator.normal() * 0.1) } }
    return (
      try TileOnDevice(
        Fixture.runtime(float64: float64), Self.matrices, rowMeans: means, records: records,
        n: Self.n, rows: tile.rows, columns: tile.columns, centering: centering), means
    )
  }

  private func record(sigmaSquared: Float = 1, flags: Flags = .varies, exponent: Int32 = 0)
    -> LayerRecord
  {
    LayerRecord(flags: flags, gramExponent: exponent, bandwidth: sigmaSquared)
  }

  @Test(arguments: tiles, GramCentering.allCases)
  func centered(place: (rows: Range<Int>, columns: Range<Int>), centering: GramCentering) throws {
    for isLinear in [true, false] {
      let records = [
        record(), record(sigmaSquared: 2, exponent: 3),
        record(sigmaSquared: 30, flags: [.varies, .lessOne], exponent: -2),
      ]
      let (tile, means) = try made(place, centering, records: records)
      try tile.runtime.centerTile(tile.chunk, tile.vectors, isLinear: isLinear)
      let stored = try tile.stack.read()
      for layer in 1..<3 {
        let matrix = Self.matrices[layer]
        let start = (layer - 1) * tile.shape.layerStride
        let scale = Double(
          sign: .plus, exponent: -Int(records[layer].gramExponent), significand: 1)
        let isLessOne = records[layer].flags.contains(.lessOne)
        tile.forEachEntry(withDiagonal: true) { i, j, place in
          var entry = Double(matrix[i * Self.n + j])
          if !isLinear {
            let exponent =
              i == j
              ? 0
              : -Double(squaredDistance(matrix, i, j)) / (2 * Double(records[layer].bandwidth))
            entry = isLessOne ? expm1(exponent) : exp(exponent)
          }
          let mean = Double(means[layer][i]) + Double(means[layer][j])
          let truth = (entry * scale - mean) * (i == j ? 1 : 2.0.squareRoot())
          // Some roundings of each term; `exp` errs by 3 units in the last place, its argument by 2.
          let bound = 16 * 0x1p-24 * (abs(entry * scale) + abs(mean))
          #expect(abs(Double(stored[start + place]) - truth) <= bound, "\(layer) \(i) \(j)")
        }
        #expect(
          stored[(start + tile.shape.count)..<(start + tile.shape.layerStride)]
            .allSatisfy { $0 == 0 })
      }
    }
  }

  @Test(arguments: [Flags.notFinite, .noBandwidth, []])
  func layersWithoutAMatrixBecomeZeros(flag: Flags) throws {
    let flags = flag.isEmpty ? [] : flag.union(.varies)
    for place in Self.tiles {
      let (tile, _) = try made(
        place, .biased, records: [record(), record(flags: flags), record()])
      try tile.runtime.centerTile(tile.chunk, tile.vectors, isLinear: false)
      let stored = try tile.stack.read()
      let stride = tile.shape.layerStride
      #expect(stored[..<stride].allSatisfy { $0 == 0 })
      #expect(stored[stride..<(stride + tile.shape.count)].contains { $0 != 0 })
    }
  }

  @Test(arguments: tiles, GramCentering.allCases)
  func histograms(place: (rows: Range<Int>, columns: Range<Int>), centering: GramCentering) throws {
    let records = [record(), record(), record()]
    let bins = Tuning.halfBins
    /// Counts by the kernel, of the layers 1 and 2.
    func counted(_ windows: [SIMD2<UInt32>], isUpper: Bool) throws -> (TileOnDevice, [UInt32]) {
      let (tile, _) = try made(place, centering, records: records)
      let counts = try Guarded<UInt32>(tile.runtime, count: 2 * 2 * bins)
      let scratch = TilePassScratch(
        vectors: tile.vectors, windows: try tile.runtime.buffer(byteCount: 2 * 8),
        counts: counts.buffer, rowSums: counts.buffer, columnSums: counts.buffer,
        rowMaxima: counts.buffer)
      let found = try tile.runtime.countDistances(
        tile.chunk, scratch, windows: windows, isUpper: isUpper)
      #expect(try counts.read() == found)
      return (tile, found)
    }
    // Windows around all distances, beside some, and far from any.
    for windows in [[0x3F80 - 1024, 0x4100 - 1024], [0x4000, 0x41C0], [0, 0xF800]] {
      let (tile, found) = try counted(
        windows.map { SIMD2(UInt32($0), 0) }, isUpper: true)
      for layer in 1..<3 {
        var expected = [UInt32](repeating: 0, count: 2 * bins)
        tile.forEachEntry(withDiagonal: false) { i, j, _ in
          expected[Int(squaredDistance(Self.matrices[layer], i, j).bitPattern >> 16)] += 1
        }
        #expect(Array(found[((layer - 1) * 2 * bins)...].prefix(2 * bins)) == expected)
      }
    }
    // The upper bits of two distances that are there, or twice the same.
    let (i, j) = (place.rows.upperBound - 1, place.columns.lowerBound)
    let other = min(place.columns.upperBound - 1, i)
    let prefixes = (1..<3).map { layer in
      SIMD2(
        squaredDistance(Self.matrices[layer], i, j).bitPattern >> 16,
        layer == 1
          ? squaredDistance(Self.matrices[layer], i, other).bitPattern >> 16
          : squaredDistance(Self.matrices[layer], i, j).bitPattern >> 16)
    }
    let (tile, found) = try counted(prefixes, isUpper: false)
    for layer in 1..<3 {
      let targets = prefixes[layer - 1]
      var expected = [UInt32](repeating: 0, count: 2 * bins)
      tile.forEachEntry(withDiagonal: false) { i, j, _ in
        let bits = squaredDistance(Self.matrices[layer], i, j).bitPattern
        if bits >> 16 == targets.x {
          expected[Int(bits & 0xFFFF)] += 1
        } else if bits >> 16 == targets.y {
          expected[bins + Int(bits & 0xFFFF)] += 1
        }
      }
      #expect(Array(found[((layer - 1) * 2 * bins)...].prefix(2 * bins)) == expected)
    }
  }

  @Test(arguments: tiles, [true, false])
  func sums(place: (rows: Range<Int>, columns: Range<Int>), float64: Bool) throws {
    let records = [
      record(), record(sigmaSquared: 2),
      record(sigmaSquared: 30, flags: [.varies, .lessOne]),
    ]
    for centering in GramCentering.allCases {
      let (tile, _) = try made(place, centering, float64: float64, records: records)
      let (rows, columns) = (place.rows.count, place.columns.count)
      let rowSums = try Guarded<UInt64>(tile.runtime, count: 2 * rows, sentinel: 7)
      let columnSums = try Guarded<UInt64>(tile.runtime, count: 2 * columns, sentinel: 7)
      let maxima = try Guarded<Float>(tile.runtime, count: 2 * rows)
      let scratch = TilePassScratch(
        vectors: tile.vectors, windows: maxima.buffer, counts: maxima.buffer,
        rowSums: rowSums.buffer, columnSums: columnSums.buffer, rowMaxima: maxima.buffer)
      let found = try tile.runtime.sumTile(tile.chunk, scratch)
      _ = (try rowSums.read(), try columnSums.read(), try maxima.read())
      for layer in 1..<3 {
        var expectedRows = [Double](repeating: 0, count: rows)
        var expectedColumns = [Double](repeating: 0, count: columns)
        var largest = expectedRows
        tile.forEachEntry(withDiagonal: false) { i, j, _ in
          let exponent =
            -Double(squaredDistance(Self.matrices[layer], i, j))
            / (2 * Double(records[layer].bandwidth))
          let entry = layer == 2 ? expm1(exponent) : exp(exponent)
          expectedRows[i - place.rows.lowerBound] += entry
          expectedColumns[j - place.columns.lowerBound] += entry
          largest[i - place.rows.lowerBound] = max(
            largest[i - place.rows.lowerBound], abs(entry))
        }
        // `exp` errs by 3 units in the last place of values below 1, its argument by 2; sums of 48 bits
        // add nothing.
        for row in 0..<rows {
          let index = (layer - 1) * rows + row
          #expect(abs(found.rows[index] - expectedRows[row]) <= 16 * 0x1p-24 * Double(columns))
          #expect(abs(Double(found.maxima[index]) - largest[row]) <= 16 * 0x1p-24)
        }
        for column in 0..<columns {
          #expect(
            abs(found.columns[(layer - 1) * columns + column] - expectedColumns[column])
              <= 16 * 0x1p-24 * Double(rows))
        }
      }
    }
  }
}
