// The structures that host and kernels share: the same fields in the same order as in scalars.h.

/// `Part` of scalars.h.
struct PartRecord: BitwiseCopyable {
  var offset: UInt64
  var stride: UInt32
  var firstBlock: UInt32
  var layer: UInt32
  var format: UInt32
  var exponent: Int32
  var flags: Flags
}

/// `Layer` of scalars.h.
struct LayerRecord: BitwiseCopyable {
  var exponent: Int32 = 0
  var rescaleOld: Int32 = 0
  var rescaleNew: Int32 = 0
  var flags: Flags = []
  var gramExponent: Int32 = 0
  var squaredNorm: Float = 0
  var trace: Float = 0
  var bandwidth: Float = 0
}

/// FLAG_… of scalars.h.
struct Flags: OptionSet, BitwiseCopyable, Sendable {
  let rawValue: UInt32

  static let notFinite = Flags(rawValue: 1)
  static let varies = Flags(rawValue: 2)
  static let first = Flags(rawValue: 4)
  static let prepared = Flags(rawValue: 8)
  static let noBandwidth = Flags(rawValue: 16)
  static let lessOne = Flags(rawValue: 32)
}

/// The tables of one group on the host, one behind the other, each from a multiple of 128 bytes.
struct GroupTables {
  let byteCount: Int
  private let partsRange: Range<Int>
  private let ownersRange: Range<Int>
  private let slicesRange: Range<Int>
  private let segmentsRange: Range<Int>
  private let shiftsRange: Range<Int>
  private let scalesRange: Range<Int>

  /// - Parameter hasCenters: whether shifts and scales are among the tables.
  init(_ group: GramPlan.Group, hasCenters: Bool) {
    var end = 0
    func next(_ count: Int, _ size: Int) -> Range<Int> {
      let start = end.roundedUp(to: 128)
      end = start + count * size
      return start..<end
    }
    partsRange = next(group.parts.count, MemoryLayout<PartRecord>.stride)
    ownersRange = next(group.blockCount, 4)
    slicesRange = next(group.slices.count, 16)
    segmentsRange = next(group.segmentCount, 16)
    shiftsRange = next(hasCenters ? group.blockCount * Tuning.block : 0, 4)
    scalesRange = next(hasCenters ? group.parts.count : 0, 4)
    byteCount = end
  }

  func parts(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[partsRange])
  }

  func blockOwners(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[ownersRange])
  }

  func slices(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[slicesRange])
  }

  func segments(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[segmentsRange])
  }

  func shifts(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[shiftsRange])
  }

  func scales(_ bytes: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[scalesRange])
  }

  /// Writes the shifts and scales of all parts, from sources that know them; zeros for no feature.
  func write(
    centersOf sources: [GatherSource], _ group: GramPlan.Group,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    for (index, part) in group.parts.enumerated() {
      let source = sources[part.layer]
      let first = shiftsRange.lowerBound + part.firstBlock * Tuning.block * 4
      for place in 0..<part.stride {
        let feature = part.features.lowerBound + place
        let shift = place < part.features.count ? source.shift(feature) : 0
        bytes.storeBytes(of: shift, toByteOffset: first + place * 4, as: Float.self)
      }
      bytes.storeBytes(
        of: source.scale, toByteOffset: scalesRange.lowerBound + index * 4, as: Float.self)
    }
  }

  /// Writes everything else that is known before the data: all but the parts.
  func write(_ group: GramPlan.Group, into bytes: UnsafeMutableRawBufferPointer) {
    var owner = ownersRange.lowerBound
    for (index, part) in group.parts.enumerated() {
      for _ in 0..<(part.stride / Tuning.block) {
        bytes.storeBytes(of: UInt32(index), toByteOffset: owner, as: UInt32.self)
        owner += 4
      }
    }
    for (index, slice) in group.slices.enumerated() {
      let words = SIMD4<UInt32>(
        UInt32(slice.part), UInt32(slice.features.lowerBound), UInt32(slice.features.upperBound),
        0)
      bytes.storeBytes(
        of: words, toByteOffset: slicesRange.lowerBound + index * 16, as: SIMD4<UInt32>.self)
    }
    var offset = segmentsRange.lowerBound
    for window in group.windows {
      for segment in window.segments {
        let words = SIMD4<UInt32>(
          UInt32(segment.part), UInt32(segment.slices.lowerBound - window.slices.lowerBound),
          UInt32(segment.slices.count), segment.beginning.rawValue)
        bytes.storeBytes(of: words, toByteOffset: offset, as: SIMD4<UInt32>.self)
        offset += 16
      }
    }
  }

  /// Writes what became known with the data.
  func write(_ record: PartRecord, of part: Int, into bytes: UnsafeMutableRawBufferPointer) {
    bytes.storeBytes(
      of: record,
      toByteOffset: partsRange.lowerBound + part * MemoryLayout<PartRecord>.stride,
      as: PartRecord.self)
  }
}
