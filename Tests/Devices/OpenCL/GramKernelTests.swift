import Device
import Foundation
import TestSupport
import Testing

@testable import OpenCLDevice

struct GramKernelTests {
  private struct Result {
    var partials: [Float]
    var stack: [Float]
    var diagonals: [Float]
    var stride: Int
  }

  /// gram.cl and reduce.cl over one part, by windows of at most `slots` partial tiles.
  private func gram(
    _ x: Activations64, centering: GramCentering, tuning: Tuning, slots: Int, columns: Int = 0
  ) throws -> Result {
    let description = try Fixture.description()
    let runtime = try Runtime(description, limits: OpenCLLimits(description), tuning: tuning)
    let group = try GroupOnDevice(runtime, [x])
    try group.measure()
    var limits = OpenCLLimits(description)
    limits.workspace = slots * tuning.gram.tile * tuning.gram.tile * 4
    let rows = x.n - columns
    let shape = MatrixShape(
      part: columns == 0 ? .triangle(rows) : .rectangle(rows: rows, columns: columns),
      centering: centering)
    let layers = [GramPlan.Layer(featureCount: x.p, format: .float32)]
    let plan = try #require(
      GramPlan(layers: layers, shape: shape, layersPerChunk: 1, tuning: tuning, limits: limits))
    let work = try #require(plan.groups.first)
    #expect(plan.groups.count == 1)

    let tables = GroupTables(work, hasCenters: false)
    let host = UnsafeMutableRawBufferPointer.allocate(byteCount: tables.byteCount, alignment: 128)
    defer { host.deallocate() }
    tables.write(work, into: host)
    let slices = try runtime.buffer(byteCount: work.slices.count * 16)
    try runtime.write(slices, from: tables.slices(host), on: runtime.compute).wait()
    let segments = try runtime.buffer(byteCount: work.segmentCount * 16)
    try runtime.write(segments, from: tables.segments(host), on: runtime.compute).wait()

    let stride = shape.layerStride
    let stack = try Guarded<Float>(runtime, count: stride)
    let diagonals = try Guarded<Float>(runtime, count: columns == 0 ? rows : 0)
    let most = work.windows.map { $0.tiles.count * $0.slices.count }.max() ?? 0
    let partials = try Guarded<Float>(runtime, count: most * tuning.gram.tile * tuning.gram.tile)
    let items = tuning.gram.items
    var firstSegment = 0
    for window in work.windows {
      #expect(window.tiles.count * window.slices.count <= slots)
      try runtime.launch(
        runtime.kernel("gram_partials", of: tuning.gramProgram),
        global: [window.slices.count * items, window.tiles.count], local: [items, 1],
        [
          .buffer(group.data.buffer), .buffer(group.partTable), .buffer(group.scales.buffer),
          .buffer(group.shifts.buffer), .buffer(slices), .uint(window.slices.lowerBound),
          .uint(window.tiles.lowerBound), .uint(rows), .uint(columns), .buffer(partials.buffer),
        ])
      try runtime.launch(
        runtime.kernel("reduce_slices", of: tuning.reduce),
        global: [tuning.gram.tile * tuning.gram.tile, window.tiles.count, window.segments.count],
        local: [Tuning.reduceLanes, 1, 1],
        [
          .buffer(partials.buffer), .buffer(segments), .uint(firstSegment),
          .uint(window.slices.count), .uint(window.tiles.lowerBound), .buffer(group.partTable),
          .buffer(group.layers), .uint(rows), .uint(columns), .uint(centering == .biased ? 1 : 0),
          .uint(0),
          .ulong(stride), .buffer(stack.buffer), .buffer(diagonals.buffer),
        ])
      firstSegment += window.segments.count
    }
    return Result(
      partials: try partials.read(), stack: try stack.read(), diagonals: try diagonals.read(),
      stride: stride)
  }

  private func check(n: Int, p: Int, tuning: Tuning, centering: GramCentering) throws {
    let x = Activations64.normal(n: n, p: p, seed: 7, offset: 5)
    let result = try gram(x, centering: centering, tuning: tuning, slots: 1000)
    let means = (0..<p).map { k in (0..<n).reduce(0) { $0 + x[$1, k] } / Double(n) }
    // Rounding: p products of size ≤ 16 (4 σ each), in float32, with a sum of at most 16 · p; the
    // shift's own error, 8(n + 8)u, counts twice per product of size 4.
    let u = 0x1p-24
    let bound =
      16 * Double(p) * (Double(min(p, tuning.slice)) / 8 + 8) * u
      + Double(p) * 8 * 8 * Double(n + 8) * u
    let hasDiagonal = centering == .biased
    for i in 0..<n {
      for j in 0...i {
        let truth = (0..<p).reduce(0) { $0 + (x[i, $1] - means[$1]) * (x[j, $1] - means[$1]) }
        let start = i * (i - 1) / 2 + (hasDiagonal ? i : 0)
        let value = i == j ? result.diagonals[i] : result.stack[start + j]
        #expect(abs(Double(value) - truth) < bound, "n \(n), p \(p), entry \(i), \(j)")
      }
    }
  }

  @Test(arguments: Fixture.isSimulated ? [5, 33] : [2, 4, 5, 31, 33, 64, 65])
  func linearGram(n: Int) throws {
    let tuning = Fixture.tuning(float64: true)
    for p in Fixture.isSimulated ? [1, 40] : [1, 3, 32, 127, 600] {
      try check(n: n, p: p, tuning: tuning, centering: .unbiased)
      try check(n: n, p: p, tuning: tuning, centering: .biased)
    }
  }

  @Test(.enabled(if: !Fixture.isSimulated)) func wideAndTall() throws {
    let tuning = Fixture.tuning(float64: true)
    try check(n: 257, p: 40, tuning: tuning, centering: .unbiased)
    try check(n: 20, p: 5000, tuning: tuning, centering: .biased)
  }

  /// Shapes of all proportions: with and without runs above the diagonal, one load a step and many.
  static let shapes = [
    TileShape(tile: 32, rows: 4, columns: 4, depth: 16),
    TileShape(tile: 32, rows: 8, columns: 4, depth: 8),
    TileShape(tile: 64, rows: 8, columns: 8, depth: 8),
    TileShape(tile: 64, rows: 4, columns: 8, depth: 32),
    TileShape(tile: 96, rows: 12, columns: 4, depth: 8),
    TileShape(tile: 128, rows: 8, columns: 8, depth: 16),
    TileShape(tile: 128, rows: 16, columns: 8, depth: 8),
  ]

  /// The bits are the same whatever the shape: each sum has one order.
  @Test(arguments: Fixture.isSimulated ? Array(shapes[1...2]) : shapes)
  func otherTiles(shape: TileShape) throws {
    #expect(shape.isValid)
    var tuning = Fixture.tuning(float64: true)
    let n = Fixture.isSimulated ? 33 : 150
    let x = Activations64.normal(n: n, p: Fixture.isSimulated ? 40 : 170, seed: 7, offset: 5)
    tuning.slice = 64
    tuning.gram = TileShape(tile: 32, rows: 4, columns: 4, depth: 32)
    let usual = try gram(x, centering: .unbiased, tuning: tuning, slots: 1000)
    tuning.gram = shape
    let other = try gram(x, centering: .unbiased, tuning: tuning, slots: 1000)
    #expect(other.stack == usual.stack && other.diagonals == usual.diagonals)
    try check(n: n, p: 33, tuning: tuning, centering: .biased)
  }

  /// Tiles of the whole matrix below its diagonal: the same bits as there, row by row.
  @Test(
    arguments: Fixture.isSimulated
      ? [(5, 40)] : [(1, 1), (5, 40), (64, 3), (70, 130), (128, 64)])
  func rectangles(size: (rows: Int, columns: Int)) throws {
    var tuning = Fixture.tuning(float64: true)
    tuning.slice = 64
    let (rows, columns) = size
    let x = Activations64.normal(
      n: rows + columns, p: Fixture.isSimulated ? 40 : 170, seed: 9, offset: 5)
    let whole = try gram(x, centering: .unbiased, tuning: tuning, slots: 1000)
    for slots in [1000, 3] {
      let tile = try gram(
        x, centering: .unbiased, tuning: tuning, slots: slots, columns: columns)
      for i in 0..<rows {
        for j in 0..<columns {
          // Behind the rows in the tile's group, they come after them in the whole matrix.
          let start = (rows + j) * (rows + j - 1) / 2
          #expect(tile.stack[i * columns + j] == whole.stack[start + i], "\(i) \(j)")
        }
      }
    }
  }

  @Test func impossibleShapesAreRefused() {
    let shapes = [
      (48, 4, 4, 8), (64, 6, 8, 8), (64, 8, 16, 8), (64, 8, 8, 12), (64, 4, 4, 8), (512, 8, 8, 8),
      (0, 4, 4, 8), (64, 0, 4, 8), (32, 4, 4, 4),
    ]
    for (tile, rows, columns, depth) in shapes {
      let shape = TileShape(tile: tile, rows: rows, columns: columns, depth: depth)
      #expect(!shape.isValid, "\(shape)")
    }
  }

  @Test func anyWorkspaceGivesTheSameBits() throws {
    var tuning = Fixture.tuning(float64: true)
    tuning.slice = 32
    tuning.gram = TileShape(tile: 32, rows: 4, columns: 4, depth: 16)
    let (n, p) = Fixture.isSimulated ? (40, 70) : (70, 300)
    let x = Activations64.normal(n: n, p: p, seed: 8)
    let whole = try gram(x, centering: .unbiased, tuning: tuning, slots: 1000)
    for slots in Fixture.isSimulated ? [1, 5] : [1, 2, 5, 6, 13] {
      let split = try gram(x, centering: .unbiased, tuning: tuning, slots: slots)
      #expect(split.stack == whole.stack && split.diagonals == whole.diagonals)
    }
  }
}
