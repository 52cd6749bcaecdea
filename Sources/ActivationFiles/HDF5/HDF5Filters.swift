#if HDF5
  import CHDF5
  import CZlib
  import Glibc

  /// How chunks are packed: gzip, shuffle and Fletcher's checksum, in the order of writing.
  ///
  /// The filters are defined in https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html,
  /// "Data Storage - Filter Pipeline".
  struct HDF5Filters: Equatable {
    enum Filter: Equatable {
      case gzip
      /// The first bytes of all numbers, then the second bytes…; numbers of `size` bytes.
      case shuffle(size: Int)
      /// Four bytes at the end, the Fletcher-32 sum of those before.
      case checksum
    }

    let filters: [Filter]
    /// Chunks that reach beyond the dataset are stored as they are.
    let leavesEdgesAlone: Bool

    /// One byte of a deflated stream stands for at most this many:
    /// https://zlib.net/zlib_tech.html, "Maximum Compression Factor".
    private static let largestRatio = 1032
    private static let checksumSize = 4

    init(_ properties: borrowing HDF5Handle, place: Place) throws(ActivationFileError) {
      let count = H5Pget_nfilters(properties.id)
      try place.check(count)
      var filters: [Filter] = []
      for index in 0..<UInt32(count) {
        var flags: UInt32 = 0
        var valueCount = 1
        var value: UInt32 = 0
        var configuration: UInt32 = 0
        var name = [CChar](repeating: 0, count: 64)
        let id = H5Pget_filter2(
          properties.id, index, &flags, &valueCount, &value, name.count, &name, &configuration)
        try place.check(id)
        let filter: Filter
        switch id {
        case H5Z_FILTER_DEFLATE: filter = .gzip
        case H5Z_FILTER_SHUFFLE:
          guard valueCount == 1, value > 0 else { throw place.data("damaged: shuffles no bytes") }
          filter = .shuffle(size: Int(value))
        case H5Z_FILTER_FLETCHER32: filter = .checksum
        default:
          let bytes = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
          let called = bytes.isEmpty ? "" : " " + quoted(String(decoding: bytes, as: UTF8.self))
          throw place.data(
            "packed by the filter \(id)\(called), expected gzip, shuffle or fletcher32")
        }
        guard !filters.contains(filter) else { throw place.data("packed twice by one filter") }
        filters.append(filter)
      }
      self.filters = filters
      var options: UInt32 = 0
      try place.check(H5Pget_chunk_opts(properties.id, &options))
      leavesEdgesAlone = options & UInt32(H5D_CHUNK_DONT_FILTER_PARTIAL_CHUNKS) != 0
    }

    /// The most bytes that `size` stored ones can stand for; nil beyond an address.
    func largestSize(from size: Int) -> Int? {
      guard filters.contains(.gzip) else { return size }
      let (largest, overflow) = size.multipliedReportingOverflow(by: Self.largestRatio)
      return overflow ? nil : largest
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
