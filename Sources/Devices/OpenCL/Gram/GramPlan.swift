import Activations

/// How the activations of a minibatch are cut into groups that fit the device, and each group's
/// Gram matrices into launches that fit the workspace. Numbers only: no device, no data.
struct GramPlan: Sendable {
  /// A range of a layer's features in a group: a `Part` of scalars.h.
  struct Part: Sendable, Hashable {
    let layer: Int
    let features: Range<Int>
    let format: ScalarFormat
    /// Numbers from row to row: the features rounded up.
    let stride: Int
    /// The first byte in the group.
    let offset: Int
    let firstBlock: Int
    let isFirst: Bool
    let isLast: Bool
  }

  /// A run of a part's features that one partial Gram matrix is made of.
  struct Slice: Sendable, Hashable {
    let part: Int
    let features: Range<Int>
  }

  /// A run of slices of one part in one launch, which are added up.
  struct Segment: Sendable, Hashable {
    enum Beginning: UInt32, Sendable {
      case layer = 0
      case part = 1
      case within = 2
    }
    let part: Int
    let slices: Range<Int>
    let beginning: Beginning
  }

  /// One launch: some tiles of some slices of a group.
  struct Window: Sendable, Hashable {
    let tiles: Range<Int>
    let slices: Range<Int>
    let segments: [Segment]
  }

  /// What is sent together.
  struct Group: Sendable {
    var parts: [Part] = []
    var slices: [Slice] = []
    var byteCount = 0
    var blockCount = 0
    var windows: [Window] = []

    var segmentCount: Int { windows.reduce(0) { $0 + $1.segments.count } }
  }

  /// How a layer is stored, as far as the plan goes.
  struct Layer: Sendable, Hashable {
    let featureCount: Int
    let format: ScalarFormat
  }

  /// The most parts of a group: a launch has at most 65,535 work-groups in its third dimension.
  private static let mostParts = 32_768

  let groups: [Group]
  let tileCount: Int

  /// Plans the work, or returns nil where not even one block of features fits a group, or one tile
  /// the workspace. No group reaches over a multiple of `layersPerChunk`.
  init?(
    layers: [Layer], shape: MatrixShape, layersPerChunk: Int, tuning: Tuning, limits: OpenCLLimits,
    tensors: TensorUse? = nil
  ) {
    let n = shape.exampleCount
    let tileCount = shape.tileCount(side: tuning.gram.tile)
    let slots =
      limits.workspaceBytes / (tuning.gram.tile * tuning.gram.tile * MemoryLayout<Float>.size)
    guard slots > 0 else { return nil }

    var closed: [Group] = []
    var group = Group()
    func close() {
      guard !group.parts.isEmpty else { return }
      group.windows = Self.windows(
        of: group, tileCount: tileCount, slots: slots, tensors: tensors)
      closed.append(group)
      group = Group()
    }
    for (index, layer) in layers.enumerated() {
      let columnBytes = n * layer.format.size
      let widest = limits.groupBytes / columnBytes / Tuning.block * Tuning.block
      guard widest > 0 else { return nil }
      // Whole slices, where one fits, keep the sums' order whatever the limits.
      let step = widest >= tuning.slice ? widest / tuning.slice * tuning.slice : widest
      let stride = max(layer.featureCount, 1).roundedUp(to: Tuning.block)
      let bytes = (stride * columnBytes).roundedUp(to: 128)
      if group.byteCount + bytes > limits.groupBytes || index % layersPerChunk == 0
        || group.parts.count == Self.mostParts
      {
        close()
      }
      var first = 0
      repeat {
        let end = min(first + (stride <= widest ? stride : step), layer.featureCount)
        group.append(
          layer: index, features: first..<end, of: layer, exampleCount: n, slice: tuning.slice)
        first = end
        if first < layer.featureCount { close() }
      } while first < layer.featureCount
    }
    close()
    groups = closed
    self.tileCount = tileCount
  }

  /// The launches of a group: as many tiles as fit, then as many slices, those of tensor.cl and those
  /// of gram.cl apart.
  private static func windows(
    of group: Group, tileCount: Int, slots: Int, tensors: TensorUse?
  ) -> [Window] {
    let tileStep = min(tileCount, slots)
    let sliceStep = max(slots / tileStep, 1)
    var windows: [Window] = []
    for firstTile in stride(from: 0, to: tileCount, by: tileStep) {
      var firstSlice = 0
      while firstSlice < group.slices.count {
        let programs = group.programs(ofSlice: firstSlice, tensors)
        let most = min(firstSlice + sliceStep, group.slices.count)
        let end = (firstSlice..<most).first {
          group.programs(ofSlice: $0, tensors).isEmpty != programs.isEmpty
        }
        let slices = firstSlice..<(end ?? most)
        firstSlice = slices.upperBound
        windows.append(
          Window(
            tiles: firstTile..<min(firstTile + tileStep, tileCount), slices: slices,
            segments: segments(of: group, in: slices)))
      }
    }
    return windows
  }

  private static func segments(of group: Group, in slices: Range<Int>) -> [Segment] {
    var segments: [Segment] = []
    var first = slices.lowerBound
    while first < slices.upperBound {
      let index = group.slices[first].part
      let part = group.parts[index]
      let end =
        group.slices[first..<slices.upperBound].firstIndex { $0.part != index }
        ?? slices.upperBound
      let beginning: Segment.Beginning =
        if group.slices[first].features.lowerBound > 0 {
          .within
        } else {
          part.isFirst ? .layer : .part
        }
      segments.append(Segment(part: index, slices: first..<end, beginning: beginning))
      first = end
    }
    return segments
  }
}

extension GramPlan.Group {
  /// The programs of tensor.cl that may make a slice; none where gram.cl does.
  func programs(ofSlice slice: Int, _ tensors: TensorUse?) -> [TensorUse.Program] {
    tensors?.programs(for: parts[slices[slice].part].format) ?? []
  }

  mutating func append(
    layer: Int, features: Range<Int>, of description: GramPlan.Layer, exampleCount: Int, slice: Int
  ) {
    let stride = max(features.count, 1).roundedUp(to: Tuning.block)
    for first in Swift.stride(from: 0, to: stride, by: slice) {
      slices.append(
        GramPlan.Slice(part: parts.count, features: first..<min(first + slice, stride)))
    }
    parts.append(
      GramPlan.Part(
        layer: layer, features: features, format: description.format, stride: stride,
        offset: byteCount, firstBlock: blockCount, isFirst: features.lowerBound == 0,
        isLast: features.upperBound == description.featureCount))
    // Rows of a block of the narrowest format take 64 bytes: rounded up, parts stay aligned.
    byteCount += (stride * exampleCount * description.format.size).roundedUp(to: 128)
    blockCount += stride / Tuning.block
  }
}

/// How numbers lie in a group: FORMAT_… of scalars.h.
enum ScalarFormat: UInt32, Sendable {
  case float32 = 0
  case float16 = 1
  case bfloat16 = 2

  var size: Int { self == .float32 ? 4 : 2 }
}
