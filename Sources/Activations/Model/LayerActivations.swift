import Support

/// Memory that holds activations, kept alive by whoever borrows from it.
public protocol ActivationStorage: AnyObject, Sendable {
  /// Whether the bytes are a mapped file's. `read` then leaves no pages of the file in the process's
  /// memory, as touching them would.
  var isFile: Bool { get }
  /// Fills the storage, where it is filled only when it is first needed. Before that, addresses in it cannot
  /// be touched; `check` and `read` do it, too.
  func fill() throws(ActivationReadError)
  /// Throws where `bytes`, which lie in this storage, cannot be touched any more.
  func check(_ bytes: UnsafeRawBufferPointer) throws(ActivationReadError)
  /// Copies `bytes`, which lie in this storage, to `destination`.
  func read(
    _ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError)
  /// Whether a few places, spread over `bytes`, are all in the system's memory.
  func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool
  /// Starts to bring `bytes` into memory, without waiting for them.
  func prefetch(_ bytes: UnsafeRawBufferPointer)
  /// Releases the pages of `bytes`; the values stay readable.
  func evict(_ bytes: UnsafeRawBufferPointer)
}

/// Storage of bytes that are simply in memory.
public protocol MemoryStorage: ActivationStorage {}

extension MemoryStorage {
  /// No file.
  public var isFile: Bool { false }

  /// Memory can always be touched.
  public func check(_ bytes: UnsafeRawBufferPointer) {}

  /// A copy.
  public func read(_ bytes: UnsafeRawBufferPointer, into destination: UnsafeMutableRawPointer) {
    guard let source = bytes.baseAddress else { return }
    destination.copyMemory(from: source, byteCount: bytes.count)
  }

  /// It is there.
  public func isCached(_ bytes: UnsafeRawBufferPointer) -> Bool { true }

  /// Nothing is to be brought.
  public func prefetch(_ bytes: UnsafeRawBufferPointer) {}

  /// Nothing can be released.
  public func evict(_ bytes: UnsafeRawBufferPointer) {}
}

extension ActivationStorage {
  /// No-op by default; storage that is filled lazily overrides it.
  public func fill() throws(ActivationReadError) {}
}

/// Activations that were there when their file was opened, and cannot be read now.
public struct ActivationReadError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The file, as it was given.
  public let path: String
  /// What happened, in one line.
  public let reason: String
  /// Whether the file is damaged: reading it again cannot succeed.
  public let isDamaged: Bool

  /// `path`: what happened.
  public init(path: String, reason: String, isDamaged: Bool = false) {
    self.path = path
    self.reason = oneLine(reason)
    self.isDamaged = isDamaged
  }

  /// A layer without the numbers that were asked for.
  init(layer: LayerActivations, example: Int) {
    let count = layer.shape.exampleCount
    self.init(
      path: "layer \(layer.name)",
      reason: (0..<count).contains(example)
        ? "does not hold the numbers of example \(example) that were asked for"
        : "holds \(count) examples, found no example \(example)")
  }

  /// One line: the path, a colon, the reason.
  public var description: String { "\(oneLine(path)): \(reason)" }
}

extension ActivationReadError: FailureConvertible {
  /// Names the layer and its file.
  public var failure: Failure { Failure(isDamaged ? .data : .io, description) }
}

/// One layer's activations, borrowed without copying.
public struct LayerActivations: @unchecked Sendable {
  // @unchecked: the pointers lead to memory that nobody writes and that `storage` keeps alive.

  /// A run of consecutive examples.
  public struct Block {
    /// The layer's index of the block's first example.
    public let firstExample: Int
    /// How many examples follow each other here.
    public let exampleCount: Int
    /// All numbers of the block, `exampleCount` × p, in the layer's memory order.
    /// Not to be touched before the storage was filled.
    package let bytes: UnsafeRawBufferPointer
    /// What keeps `bytes` alive.
    public let storage: any ActivationStorage

    /// A block of `bytes.count / exampleCount` bytes an example.
    public init(
      firstExample: Int, exampleCount: Int, bytes: UnsafeRawBufferPointer,
      storage: any ActivationStorage
    ) {
      self.firstExample = firstExample
      self.exampleCount = exampleCount
      self.bytes = bytes
      self.storage = storage
    }
  }

  /// The layer's name, unique in its model.
  public let name: String
  /// The stage of the network the layer belongs to, where known.
  public var stage: String?
  /// Which axis holds the channels, where the model's files say so.
  public var layout: LayerShape.Layout?
  /// n × features.
  public let shape: LayerShape
  /// The type of the stored numbers.
  public let scalarType: ScalarType
  /// True where the stored numbers' byte order is not this machine's.
  public let isByteSwapped: Bool
  /// How the numbers of each block follow each other.
  public let memoryOrder: MemoryOrder
  /// The examples in order, without gaps.
  public let blocks: [Block]
  /// What is done with the positions of a feature map.
  public var pooling: LayerShape.Pooling

  /// Borrows a layer; `blocks` must cover the examples `0 ..< shape.exampleCount` in order.
  public init(
    name: String, stage: String? = nil, shape: LayerShape, scalarType: ScalarType,
    isByteSwapped: Bool = false, memoryOrder: MemoryOrder = .rowMajor, blocks: [Block],
    pooling: LayerShape.Pooling = .flatten
  ) {
    self.name = name
    self.stage = stage
    self.shape = shape
    self.scalarType = scalarType
    self.isByteSwapped = isByteSwapped
    self.memoryOrder = memoryOrder
    self.blocks = blocks
    self.pooling = pooling
  }
}

extension LayerActivations {
  /// Bytes of one example, before pooling.
  public var bytesPerExample: Int {
    let (bytes, overflow) = shape.featureCount.multipliedReportingOverflow(by: scalarType.size)
    return overflow ? .max : bytes
  }

  /// p as the estimators see it: after pooling.
  public var featureCount: Int { positions.channels }

  /// The grouping of the stored features: `channels` means over `count` positions each.
  /// Strides are in numbers, in the stored order of one example.
  public var positions: (channels: Int, count: Int, channelStride: Int, positionStride: Int) {
    guard case .mean(let layout) = pooling, shape.featureAxes.count > 1, shape.featureCount > 0
    else { return (shape.featureCount, 1, 1, 0) }
    // The positions' axes lie side by side in both memory orders.
    let channels = shape.pooledFeatureCount(layout)
    let count = shape.featureCount / channels
    let channelsAreInner = (layout == .channelsLast) == (memoryOrder == .rowMajor)
    return channelsAreInner ? (channels, count, 1, channels) : (channels, count, count, 1)
  }

  /// Where `example` begins and how far apart its features lie, in bytes. Unpacks the example's block where
  /// that was not done yet. Throws where the layer has no such example.
  ///
  /// Touching the numbers of a file that another process has cut short ends this one: see `check`.
  public func row(
    _ example: Int
  ) throws(ActivationReadError) -> (start: UnsafeRawPointer, featureStride: Int) {
    guard let place = place(of: example) else {
      throw ActivationReadError(layer: self, example: example)
    }
    try place.block.storage.fill()
    return (place.start, place.featureStride)
  }

  /// `row`, of numbers that may not be there yet; nil where the layer has no such example, or its block
  /// does not hold the numbers that the shape promises.
  private func place(
    of example: Int
  ) -> (start: UnsafeRawPointer, featureStride: Int, block: Block)? {
    guard let block = block(holding: example), let base = block.bytes.baseAddress,
      block.bytes.count / block.exampleCount >= bytesPerExample
    else { return nil }
    let index = example - block.firstExample
    switch memoryOrder {
    case .rowMajor: return (base + index * bytesPerExample, scalarType.size, block)
    case .columnMajor:
      return (base + index * scalarType.size, block.exampleCount &* scalarType.size, block)
    }
  }

  /// Whether rows come from files, so that copying them by `read` spares memory.
  public var isFile: Bool { blocks.contains { $0.storage.isFile } }

  /// Throws where a file was cut short since it was opened: touching its rows would end the process.
  public func check() throws(ActivationReadError) {
    for block in blocks { try block.storage.check(block.bytes) }
  }

  /// Copies the bytes `range` of one example's row to `destination`. Throws where the layer has no such
  /// bytes or is not in row-major order, in which an example's bytes are side by side.
  public func read(
    _ range: Range<Int>, of example: Int, into destination: UnsafeMutableRawPointer
  ) throws(ActivationReadError) {
    guard let place = place(of: example), memoryOrder == .rowMajor, range.lowerBound >= 0,
      range.upperBound <= bytesPerExample
    else { throw ActivationReadError(layer: self, example: example) }
    try place.block.storage.read(
      UnsafeRawBufferPointer(start: place.start + range.lowerBound, count: range.count),
      into: destination)
  }

  /// Lets go of the stored features `range`, in column-major order.
  public func evict(columns range: Range<Int>) {
    guard memoryOrder == .columnMajor, range.lowerBound >= 0,
      range.upperBound <= shape.featureCount
    else { return }
    for block in blocks {
      let (column, overflow) = block.exampleCount.multipliedReportingOverflow(by: scalarType.size)
      guard !overflow, column > 0, range.upperBound <= block.bytes.count / column else { continue }
      block.storage.evict(
        UnsafeRawBufferPointer(
          rebasing: block.bytes[(range.lowerBound * column)..<(range.upperBound * column)]))
    }
  }

  /// Starts to read the given examples, in ascending order, without waiting for them.
  public func prefetch(_ examples: [Int]) {
    guard memoryOrder == .rowMajor else {
      for block in blocks where !block.storage.isCached(block.bytes) {
        block.storage.prefetch(block.bytes)
      }
      return
    }
    let runs = contiguousRuns(of: examples.filter { place(of: $0) != nil })
    // Where a few of the rows are in memory, all are taken to be: looking each one up would cost a
    // good part of the time that reading it does.
    let probes = runs.count <= 4 ? runs.indices.map { $0 } : (0..<4).map { $0 * runs.count / 4 }
    guard probes.contains(where: { !runs[$0].storage.isCached(runs[$0].bytes) }) else { return }
    for run in runs { run.storage.prefetch(run.bytes) }
  }

  /// The rows of `examples`, those that follow each other in one piece.
  private func contiguousRuns(
    of examples: [Int]
  ) -> [(bytes: UnsafeRawBufferPointer, storage: any ActivationStorage)] {
    var runs: [(bytes: UnsafeRawBufferPointer, storage: any ActivationStorage)] = []
    var first = 0
    while first < examples.count {
      guard let place = place(of: examples[first]) else { return runs }
      let block = place.block
      let end = block.firstExample &+ block.exampleCount
      var last = first
      while last + 1 < examples.count, examples[last + 1] == examples[last] &+ 1,
        examples[last + 1] < end
      { last += 1 }
      runs.append(
        (
          UnsafeRawBufferPointer(
            start: place.start, count: (last - first + 1) * bytesPerExample),
          block.storage
        ))
      first = last + 1
    }
    return runs
  }

  /// Lets go of the memory the layer was read into.
  public func evict() {
    for block in blocks { block.storage.evict(block.bytes) }
  }

  private func block(holding example: Int) -> Block? {
    var low = 0
    var high = blocks.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if blocks[middle].firstExample <= example { low = middle } else { high = middle - 1 }
    }
    guard blocks.indices.contains(low), example >= blocks[low].firstExample else { return nil }
    let (place, overflow) = example.subtractingReportingOverflow(blocks[low].firstExample)
    guard !overflow, place < blocks[low].exampleCount else { return nil }
    return blocks[low]
  }
}
