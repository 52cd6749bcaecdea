/// Memory for the packed Gram matrices of some layers, one behind the other.
package final class PackedTriangles<Number: BitwiseCopyable>: @unchecked Sendable {
  // @unchecked: whoever shares it divides its layers among the threads.

  /// Numbers of each layer.
  package let count: Int
  private let numbers: UnsafeMutablePointer<Number>

  /// Layers of `count` numbers each, with any values.
  package init(layers: Int = 1, count: Int) {
    self.count = count
    numbers = .allocate(capacity: max(layers * count, 1))
  }

  deinit { numbers.deallocate() }

  /// Where the numbers of a layer begin.
  package func start(ofLayer layer: Int = 0) -> UnsafeMutablePointer<Number> {
    numbers + layer * count
  }

  /// The numbers of a layer.
  package subscript(layer: Int) -> UnsafeMutableBufferPointer<Number> {
    UnsafeMutableBufferPointer(start: start(ofLayer: layer), count: count)
  }
}
