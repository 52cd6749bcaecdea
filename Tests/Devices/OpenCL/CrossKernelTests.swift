import Device
import TestSupport
import Testing

@testable import OpenCLDevice

/// cross.cl over one group of two parts.
struct CrossKernelTests {
  private struct Result {
    /// Of each tile TILE² numbers.
    let sums: [Double]
    let squares: [Double]
    let tiles: [SIMD4<UInt32>]
  }

  /// All tiles of the first part with the second, over slices of `slice` examples, `slicesAtATime` in a
  /// launch.
  private func cross(
    _ x: Activations64, _ y: Activations64, format: ScalarFormat = .float32,
    shape: TileShape? = nil, float64: Bool = true, slice: Int, slicesAtATime: Int = 1000,
    scale: Float = 1
  ) throws -> Result {
    let description = try Fixture.description()
    var tuning = Fixture.tuning(float64: float64)
    if let shape { tuning.gram = shape }
    let runtime = try Runtime(description, limits: OpenCLLimits(description), tuning: tuning)
    let group = try GroupOnDevice(runtime, [x, y], format: format)
    try group.measure()
    let side = tuning.gram.tile
    let tiles = stride(from: 0, to: x.p, by: side).flatMap { row in
      stride(from: 0, to: y.p, by: side).map {
        SIMD4<UInt32>(0, 1, UInt32(row), UInt32($0))
      }
    }
    let table = try runtime.buffer(byteCount: tiles.count * 16)
    try runtime.upload(tiles, to: table)
    let slices = (x.n + slice - 1) / slice
    let most = min(slices, slicesAtATime)
    let partials = try Guarded<Float>(runtime, count: tiles.count * most * side * side)
    let sums = try Guarded<UInt64>(runtime, count: tiles.count * side * side, sentinel: 7)
    let squares = try Guarded<UInt64>(runtime, count: tiles.count, sentinel: 7)
    let scales = try runtime.buffer(byteCount: tiles.count * 4)
    try runtime.upload(tiles.map { _ in scale }, to: scales)
    let items = tuning.gram.items
    for first in stride(from: 0, to: slices, by: most) {
      let count = min(most, slices - first)
      try runtime.launch(
        runtime.kernel("cross_partials", of: tuning.cross),
        global: [count * items, tiles.count], local: [items, 1],
        [
          .buffer(group.data.buffer), .buffer(group.partTable), .buffer(group.scales.buffer),
          .buffer(group.shifts.buffer), .buffer(table), .uint(0), .uint(first), .uint(slice),
          .uint(x.n), .buffer(partials.buffer),
        ])
      try runtime.launch(
        runtime.kernel("add_slices", of: tuning.cross), global: [side * side, tiles.count],
        local: [64, 1],
        [
          .buffer(partials.buffer), .uint(count), .uint(0), .uint(first == 0 ? 1 : 0),
          .buffer(sums.buffer),
        ])
    }
    try runtime.launch(
      runtime.kernel("tile_squares", of: tuning.cross),
      global: [tiles.count * Tuning.squareItems], local: [Tuning.squareItems],
      [
        .buffer(sums.buffer), .buffer(table), .buffer(group.partTable), .buffer(scales),
        .buffer(squares.buffer),
      ])
    _ = (try partials.read(), try sums.read(), try squares.read())
    return Result(
      sums: try runtime.readWide(sums.buffer, count: tiles.count * side * side),
      squares: try runtime.readWide(squares.buffer, count: tiles.count), tiles: tiles)
  }

  private func check(
    _ result: Result, _ x: Activations64, _ y: Activations64, slice: Int, scale: Double = 1
  ) {
    func centered(_ x: Activations64, _ k: Int) -> [Double] {
      let mean = (0..<x.n).reduce(0) { $0 + x[$1, k] } / Double(x.n)
      return (0..<x.n).map { x[$0, k] - mean }
    }
    let (left, right) = ((0..<x.p).map { centered(x, $0) }, (0..<y.p).map { centered(y, $0) })
    let side = Int(Double(result.sums.count / result.tiles.count).squareRoot())
    var square = 0.0
    for (index, tile) in result.tiles.enumerated() {
      for a in 0..<min(side, x.p - Int(tile.z)) {
        for b in 0..<min(side, y.p - Int(tile.w)) {
          let products = zip(left[Int(tile.z) + a], right[Int(tile.w) + b]).map { $0 * $1 }
          let truth = products.reduce(0, +)
          let size = products.reduce(0) { $0 + abs($1) }
          let found = result.sums[index * side * side + a * side + b]
          // Sums of `slice` products, and shifts that are rounded means of numbers below 10.
          let bound = (Double(slice) / 8 + 8) * 0x1p-24 * size + Double(x.n) * 0x1p-19
          #expect(abs(found - truth) <= bound, "\(tile) \(a) \(b)")
          square += found * scale * found * scale
        }
      }
    }
    let total = result.squares.reduce(0, +)
    // Each sum is rounded to float32 before it is squared.
    #expect(abs(total - square) <= 4 * 0x1p-24 * square)
  }

  /// Widths of less than a block, of tiles and of a part of one; examples of less than a step and more
  /// than a slice.
  @Test(
    arguments: Fixture.isSimulated
      ? [(5, 3, 40), (21, 66, 1)] : [(1, 1, 1), (5, 3, 40), (37, 64, 33), (100, 130, 70)],
    [true, false])
  func products(shape: (n: Int, p: Int, q: Int), float64: Bool) throws {
    let x = Activations64.normal(n: shape.n, p: shape.p, seed: 1, offset: 5)
    let y = x.mixed(into: .normal(n: shape.n, p: shape.q, seed: 2), weight: 0.5)
    for slice in Fixture.isSimulated ? [16] : [16, 512] {
      let scale: Float = 0x1p-20
      let result = try cross(x, y, float64: float64, slice: slice, scale: scale)
      check(result, x, y, slice: slice, scale: Double(scale))
    }
  }

  @Test(arguments: [ScalarFormat.float16, .bfloat16]) func formats(format: ScalarFormat) throws {
    let n = 19
    let (x, _) = Activations64.normal(n: n, p: 34, seed: 1, offset: 2).stored(
      as: format == .float16 ? .float16 : .bfloat16)
    let (y, _) = Activations64.normal(n: n, p: 9, seed: 2).stored(
      as: format == .float16 ? .float16 : .bfloat16)
    check(try cross(x, y, format: format, slice: 16), x, y, slice: 16)
  }

  /// The bits are the same whatever the shape, and however slices are spread over launches.
  @Test func oneOrder() throws {
    let (n, p, q) = Fixture.isSimulated ? (20, 40, 33) : (75, 100, 70)
    let x = Activations64.normal(n: n, p: p, seed: 1, offset: 5)
    let y = x.mixed(into: .normal(n: n, p: q, seed: 2), weight: 0.5)
    func entries(_ shape: TileShape, slicesAtATime: Int) throws -> [Double] {
      let result = try cross(x, y, shape: shape, slice: 16, slicesAtATime: slicesAtATime)
      var all = [Double](repeating: 0, count: p * q)
      for (index, tile) in result.tiles.enumerated() {
        for a in 0..<min(shape.tile, p - Int(tile.z)) {
          for b in 0..<min(shape.tile, q - Int(tile.w)) {
            all[(Int(tile.z) + a) * q + Int(tile.w) + b] =
              result.sums[(index * shape.tile + a) * shape.tile + b]
          }
        }
      }
      return all
    }
    let usual = try entries(
      TileShape(tile: 32, rows: 4, columns: 4, depth: 32), slicesAtATime: 1000)
    for (index, shape) in GramKernelTests.shapes.enumerated()
    where !Fixture.isSimulated || index == 1 {
      #expect(try entries(shape, slicesAtATime: index % 3 + 1) == usual, "\(shape)")
    }
  }
}
