#if HDF5
  import CHDF5Process
  import CZlib
  import Glibc

  /// How chunks are packed: gzip, LZF, shuffle and Fletcher's checksum, in the order of writing.
  ///
  /// The filters are defined in https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html,
  /// "Data Storage - Filter Pipeline"; LZF is h5py's own.
  struct HDF5Filters: Sendable {
    enum Filter: Equatable {
      case gzip
      case lzf
      /// The first bytes of all numbers, then the second bytes…; numbers of `size` bytes.
      case shuffle(size: Int)
      /// Four bytes at the end, the Fletcher-32 sum of those before.
      case checksum
    }

    let filters: [Filter]
    /// Chunks that reach beyond the dataset are stored as they are.
    let leavesEdgesAlone: Bool

    private static let checksumSize = 4

    init(
      _ list: [(facts: cka_hdf5_filter, name: String)], leavesEdgesAlone: Bool, place: Place
    ) throws(ActivationFileError) {
      var filters: [Filter] = []
      for (facts, name) in list {
        let filter: Filter
        switch facts.id {
        case 1: filter = .gzip
        case 2:
          guard facts.value_count == 1, facts.value > 0 else {
            throw place.data("damaged: shuffles no bytes")
          }
          filter = .shuffle(size: Int(facts.value))
        case 3: filter = .checksum
        // https://github.com/HDFGroup/hdf5_plugins/blob/master/docs/RegisteredFilterPlugins.md
        case 32000: filter = .lzf
        default:
          let called = name.isEmpty ? "" : " " + quoted(name)
          throw place.noLayer(
            "packed by the filter \(facts.id)\(called), expected gzip, lzf, shuffle or fletcher32")
        }
        guard !filters.contains(filter) else { throw place.data("packed twice by one filter") }
        filters.append(filter)
      }
      self.filters = filters
      self.leavesEdgesAlone = leavesEdgesAlone
    }

    /// The most bytes that `size` stored ones can stand for; nil beyond an address.
    func largestSize(from size: Int) -> Int? {
      var largest = size
      for filter in filters {
        let ratio =
          switch filter {
          // https://zlib.net/zlib_tech.html, "Maximum Compression Factor".
          case .gzip: 1032
          case .lzf: LZF.largestRatio
          case .shuffle, .checksum: 1
          }
        let (product, overflow) = largest.multipliedReportingOverflow(by: ratio)
        guard !overflow else { return nil }
        largest = product
      }
      return largest
    }

    /// Memory for one thread's chunks, used again from chunk to chunk.
    struct Buffers: ~Copyable {
      fileprivate var input = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      fileprivate var output = UnsafeMutableRawBufferPointer(start: nil, count: 0)
      /// How much of `input` counts.
      fileprivate var size = 0

      /// Memory for a packed chunk of `size` bytes.
      mutating func reserve(
        packed size: Int, place: Place
      ) throws(ActivationFileError) -> UnsafeMutableRawPointer {
        self.size = size
        return try Self.reserve(&input, max(size, 1), place: place)
      }

      /// Memory that `input` can become.
      fileprivate mutating func reserveOutput(
        _ size: Int, place: Place
      ) throws(ActivationFileError) -> UnsafeMutableRawPointer {
        try Self.reserve(&output, size, place: place)
      }

      /// What was written to the output is the next input.
      fileprivate mutating func turn(_ size: Int) {
        swap(&input, &output)
        self.size = size
      }

      private static func reserve(
        _ buffer: inout UnsafeMutableRawBufferPointer, _ size: Int, place: Place
      ) throws(ActivationFileError) -> UnsafeMutableRawPointer {
        if let start = buffer.baseAddress, buffer.count >= size { return start }
        free(buffer.baseAddress)
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        guard let start = malloc(size) else {
          throw place.error(.io, "has no memory for a chunk of \(size) bytes")
        }
        buffer = UnsafeMutableRawBufferPointer(start: start, count: size)
        return start
      }

      deinit {
        free(input.baseAddress)
        free(output.baseAddress)
      }
    }

    /// Undoes the filters that were applied to the chunk in `buffers`, which must give `size` bytes.
    /// The bits of `mask` stand for filters that were left out.
    func unpack(
      _ buffers: inout Buffers, mask: UInt32, isWhole: Bool, to size: Int, place: Place
    ) throws(ActivationFileError) -> UnsafeRawBufferPointer {
      if isWhole || !leavesEdgesAlone {
        for (index, filter) in filters.enumerated().reversed() where mask >> index & 1 == 0 {
          switch filter {
          case .gzip: try Self.inflate(&buffers, limit: size + Self.checksumSize, place: place)
          case .lzf: try Self.expand(&buffers, limit: size + Self.checksumSize, place: place)
          case .shuffle(let size): try Self.unshuffle(&buffers, size: size, place: place)
          case .checksum: try Self.check(&buffers, place: place)
          }
        }
      }
      guard buffers.size == size else {
        throw place.data("damaged: unpacks to \(buffers.size) bytes, expected \(size)")
      }
      return UnsafeRawBufferPointer(rebasing: buffers.input[..<size])
    }

    private static func inflate(
      _ buffers: inout Buffers, limit: Int, place: Place
    ) throws(ActivationFileError) {
      let output = try buffers.reserveOutput(limit, place: place)
      var size = uLongf(limit)
      let status = uncompress(
        output.assumingMemoryBound(to: Bytef.self), &size,
        buffers.input.baseAddress?.assumingMemoryBound(to: Bytef.self), uLong(buffers.size))
      guard status == Z_OK else {
        throw place.data("damaged: cannot be unpacked, \(String(cString: zError(status)))")
      }
      buffers.turn(Int(size))
    }

    private static func expand(
      _ buffers: inout Buffers, limit: Int, place: Place
    ) throws(ActivationFileError) {
      let output = UnsafeMutableRawBufferPointer(
        start: try buffers.reserveOutput(limit, place: place), count: limit)
      let input = UnsafeRawBufferPointer(rebasing: buffers.input[..<buffers.size])
      guard let size = LZF.expand(input, into: output) else {
        throw place.data("damaged: cannot be unpacked by LZF into \(limit) bytes")
      }
      buffers.turn(size)
    }

    private static func unshuffle(
      _ buffers: inout Buffers, size: Int, place: Place
    ) throws(ActivationFileError) {
      let count = buffers.size / size
      guard size > 1, count > 1 else { return }
      let output = try buffers.reserveOutput(buffers.size, place: place)
      guard let input = buffers.input.baseAddress else { return }
      let source = input.assumingMemoryBound(to: UInt8.self)
      let destination = output.assumingMemoryBound(to: UInt8.self)
      for byte in 0..<size {
        let plane = source + byte * count
        for number in 0..<count { destination[number * size + byte] = plane[number] }
      }
      // Bytes that make no whole number are behind the others.
      let whole = count * size
      (destination + whole).update(from: source + whole, count: buffers.size - whole)
      buffers.turn(buffers.size)
    }

    private static func check(
      _ buffers: inout Buffers, place: Place
    ) throws(ActivationFileError) {
      let count = buffers.size - checksumSize
      guard count >= 0 else { throw place.data("damaged: has no room for a checksum") }
      let bytes = UnsafeRawBufferPointer(rebasing: buffers.input[..<count])
      let stored = (0..<checksumSize).reduce(UInt32(0)) {
        $0 | UInt32(buffers.input[count + $1]) << (8 * $1)
      }
      guard stored == fletcher32(bytes) else { throw place.data("damaged: its checksum is wrong") }
      buffers.size = count
    }

    /// Fletcher's sum of big-endian 16-bit words, an odd last byte being the high one.
    static func fletcher32(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
      var (first, second): (UInt32, UInt32) = (0, 0)
      var place = 0
      while place + 1 < bytes.count {
        // 360 words keep both sums within 32 bits.
        let end = min(place + 720, bytes.count & ~1)
        while place < end {
          first &+= UInt32(bytes[place]) << 8 | UInt32(bytes[place + 1])
          second &+= first
          place += 2
        }
        first = (first & 0xFFFF) + (first >> 16)
        second = (second & 0xFFFF) + (second >> 16)
      }
      if place < bytes.count {
        first += UInt32(bytes[place]) << 8
        second += first
        first = (first & 0xFFFF) + (first >> 16)
        second = (second & 0xFFFF) + (second >> 16)
      }
      first = (first & 0xFFFF) + (first >> 16)
      second = (second & 0xFFFF) + (second >> 16)
      return second << 16 | first
    }
  }
#endif
