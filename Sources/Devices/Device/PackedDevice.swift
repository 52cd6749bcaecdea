import Activations

/// A device that hands its Gram matrices out and takes them back, as numbers in the memory of this process.
///
/// Analyses look into matrices, change them, or keep them in files. The three operations of a `Device` cannot tell
/// single numbers, so this is for the device to do; where it keeps its matrices in a `PackedStack`, it is done
/// already.
public protocol PackedDevice: Device {
  /// The packed numbers of one layer of a stack, as `GramCentering` orders them.
  func copyNumbers(
    ofLayer layer: Int, of stack: Stack, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError)

  /// A stack of numbers that were copied from another, and of the same bits.
  func gramStack(of packed: PackedGrams) throws(DeviceError) -> Stack
}

/// Packed, centered Gram matrices of some layers in memory, as they are kept in files.
public struct PackedGrams: @unchecked Sendable {
  // @unchecked: the pointers lead to memory that nobody writes and that `owner` keeps alive.

  /// n: examples of each matrix.
  public let exampleCount: Int
  /// How they were centered.
  public let centering: GramCentering
  /// One summary a layer.
  public let layers: [GramSummary]
  /// Where each layer's `centering.packedCount(exampleCount:)` numbers are.
  public let numbers: [UnsafePointer<Float>]
  /// What keeps them alive.
  public let owner: AnyObject
  /// Hears of the multiplications and additions that devices do with them.
  public let meter: WorkMeter?

  /// See the properties.
  package init(
    exampleCount: Int, centering: GramCentering, layers: [GramSummary],
    numbers: [UnsafePointer<Float>], owner: AnyObject, meter: WorkMeter? = nil
  ) {
    precondition(layers.count == numbers.count, "numbers and summaries of different layers")
    self.exampleCount = exampleCount
    self.centering = centering
    self.layers = layers
    self.numbers = numbers
    self.owner = owner
    self.meter = meter
  }
}

/// A stack of matrices in the memory of this process: that of a device which keeps them nowhere else.
public final class PackedStack: GramStack {
  /// The matrices.
  public let grams: PackedGrams
  /// See `GramStack`.
  public let timings: StageTimings

  /// One summary a layer.
  public var layers: [GramSummary] { grams.layers }

  /// Matrices that are somewhere in memory.
  public init(_ grams: PackedGrams, timings: StageTimings = StageTimings()) {
    self.grams = grams
    self.timings = timings
  }

  /// Matrices of `layerCount` layers that are made now.
  ///
  /// - Parameters:
  ///   - layerCount: how many matrices are made.
  ///   - exampleCount: examples of each matrix.
  ///   - centering: how they are centered.
  ///   - meter: hears of the multiplications and additions that devices do with them.
  ///   - write: writes the numbers of a layer, as `GramCentering` orders them, where zeros are, and returns
  ///     its summary.
  /// - Throws: what `write` throws.
  public convenience init<Failure: Error>(
    layerCount: Int, exampleCount: Int, centering: GramCentering, meter: WorkMeter? = nil,
    write: (_ layer: Int, _ numbers: UnsafeMutableBufferPointer<Float>) throws(Failure) ->
      GramSummary
  ) throws(Failure) {
    let count = centering.packedCount(exampleCount: exampleCount)
    let room = PackedTriangles<Float>(layers: layerCount, count: count)
    var layers: [GramSummary] = []
    for layer in 0..<layerCount {
      room[layer].initialize(repeating: 0)
      layers.append(try write(layer, room[layer]))
    }
    self.init(
      PackedGrams(
        exampleCount: exampleCount, centering: centering, layers: layers,
        numbers: layers.indices.map { UnsafePointer(room.start(ofLayer: $0)) }, owner: room,
        meter: meter))
  }
}

extension PackedDevice where Stack == PackedStack {
  /// See `PackedDevice`.
  public func copyNumbers(
    ofLayer layer: Int, of stack: PackedStack, to destination: UnsafeMutableBufferPointer<Float>
  ) throws(DeviceError) {
    let grams = stack.grams
    let count = grams.centering.packedCount(exampleCount: grams.exampleCount)
    try DeviceError.check(
      grams.numbers.indices.contains(layer), "copyNumbers", "the stack has no layer \(layer)")
    try DeviceError.check(
      destination.count == count, "copyNumbers",
      "room for \(destination.count) numbers, expected \(count)")
    destination.baseAddress?.update(from: grams.numbers[layer], count: count)
  }

  /// See `PackedDevice`: the numbers stay where they are.
  public func gramStack(of packed: PackedGrams) throws(DeviceError) -> PackedStack {
    PackedStack(packed)
  }
}
