import Activations
import Features
import Testing

/// Layers that contradict themselves: an error each, or numbers.
struct HostileLayerTests {
  static let numbers = [Int.min, -1, 0, 1, 2, 7, 1 << 33, Int.max]

  /// Reads what there is in every way there is.
  private func read(_ layer: LayerActivations, _ example: Int) {
    var room = [UInt8](repeating: 0, count: 64)
    _ = try? layer.row(example)
    _ = try? layer.check()
    try? layer.withRows(of: [example, 0]) { start, _ in room[0] = start.load(as: UInt8.self) }
    _ = try? layer.read(0..<8, of: example, into: &room)
    _ = try? layer.read(-8..<8, of: example, into: &room)
    layer.prefetch([example, 0, 1, 2])
    layer.evict(columns: 0..<3)
    layer.evict()
    _ = layer.positions
    if example < 1 << 20, example > -1 << 20 { _ = try? layer.numbers(of: example..<(example + 2)) }
  }

  @Test(arguments: [MemoryOrder.rowMajor, .columnMajor])
  func blocksThatDoNotFit(order: MemoryOrder) throws {
    let good = try LayerActivations(
      name: "a", values: [Float](repeating: 1, count: 12),
      shape: #require(LayerShape(exampleCount: 4, featureAxes: [3])), scalarType: .float32,
      memoryOrder: order)
    for first in Self.numbers {
      for count in Self.numbers {
        for bytes in [0, 12, 48] {
          let block = LayerActivations.Block(
            firstExample: first, exampleCount: count,
            bytes: UnsafeRawBufferPointer(
              start: try good.row(0).start, count: bytes), storage: good.blocks[0].storage)
          for blocks in [[], [block], [good.blocks[0], block]] {
            let layer = LayerActivations(
              name: "b", shape: good.shape, scalarType: .float32, memoryOrder: order,
              blocks: blocks)
            for example in Self.numbers { read(layer, example) }
          }
        }
      }
    }
  }

  @Test func shapesOfAnySize() throws {
    for n in Self.numbers {
      for axis in Self.numbers {
        guard let shape = LayerShape(exampleCount: n, featureAxes: [axis, 1]) else { continue }
        for pooling in [LayerShape.Pooling.flatten, .mean(.channelsFirst), .mean(.channelsLast)] {
          let layer = LayerActivations(
            name: "a", shape: shape, scalarType: .float64, blocks: [], pooling: pooling)
          #expect(layer.bytesPerExample >= 0)
          #expect(layer.featureCount >= 0)
          for example in Self.numbers { read(layer, example) }
        }
        #expect(throws: ActivationReadError.self) {
          try LayerActivations(
            name: "a", values: [Double](repeating: 0, count: 3), shape: shape, scalarType: .float64)
        }
        #expect(throws: ActivationReadError.self) {
          try LayerActivations(name: "a", values: [Float(0)], shape: shape, scalarType: .float64)
        }
      }
    }
  }
}
