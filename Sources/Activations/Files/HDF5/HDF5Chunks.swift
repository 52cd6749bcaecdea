import Support

#if HDF5
  import Activations
  import CHDF5Process
  import Support

  /// The grid of chunks that a dataset is cut into, where each lies and how it is packed.
  ///
  /// Chunks are read from the file and unpacked on all cores, never into more bytes than a chunk has.
  struct HDF5Chunks: Sendable {
    /// The lengths of the dataset's axes and of a chunk's.
    private let axes: [Int]
    private let chunkAxes: [Int]
    private let scalarSize: Int
    private let filters: HDF5Filters
    /// Bytes of a whole chunk; those at the edges are whole, too.
    private let chunkSize: Int
    /// Where the chunks lie, the last axis fastest: one for each place of the grid.
    private let places: [cka_hdf5_chunk]

    /// Checks that every chunk was written, that the file of `fileSize` bytes holds them all, and that
    /// none claims to be more than its bytes can stand for.
    init(
      _ dataset: HDF5Listing.Dataset, axes: [Int], scalarSize: Int, fileSize: Int, place: Place
    ) throws(ActivationFileError) {
      let chunks = dataset.chunks
      guard !axes.isEmpty, chunks.axes.count == axes.count,
        chunks.axes.allSatisfy({ $0 > 0 && $0 <= UInt32.max })
      else { throw place.data("damaged: its chunks do not have its axes") }
      self.axes = axes
      self.scalarSize = scalarSize
      chunkAxes = chunks.axes.map { Int($0) }
      places = chunks.places
      filters = try HDF5Filters(
        chunks.filters, leavesEdgesAlone: dataset.facts.leaves_edges_alone != 0, place: place)

      // A chunk is at least a byte of the file.
      guard let count = Self.product(of: Self.grid(axes, chunkAxes)), count <= fileSize else {
        throw place.data("claims more chunks than the file's \(fileSize) bytes")
      }
      guard let chunkSize = Self.product(of: chunkAxes + [scalarSize]),
        !chunkSize.multipliedReportingOverflow(by: count).overflow
      else { throw place.data("a chunk of \(chunkAxes) has more bytes than any file can hold") }
      self.chunkSize = chunkSize
      guard dataset.facts.size > 0 else { throw place.noLayer("was never written") }
      guard places.count == count else {
        throw place.data(
          "the chunk at \(offset(places.count)) was never written (\(chunks.missing)), expected all "
            + "\(count) chunks")
      }
      var total = 0
      for (index, chunk) in places.enumerated() {
        guard chunk.size > 0, chunk.offset <= fileSize, chunk.size <= fileSize - Int(chunk.offset)
        else {
          throw place.data(
            "cut short: the chunk at \(offset(index)), \(chunk.size) bytes at \(chunk.offset), ends "
              + "behind the file's \(fileSize)")
        }
        guard let largest = filters.largestSize(from: Int(chunk.size)), largest >= chunkSize else {
          throw place.data(
            "the chunk at \(offset(index)) claims \(chunkSize) bytes from \(chunk.size) stored ones"
          )
        }
        // No sum of 32-bit sizes of things in memory overflows.
        total += Int(chunk.size)
        guard total <= fileSize else {
          throw place.data("its chunks claim more bytes than the file's \(fileSize)")
        }
      }
    }

    /// How many chunks there are along each axis.
    private static func grid(_ axes: [Int], _ chunkAxes: [Int]) -> [Int] {
      zip(axes, chunkAxes).map { $0 / $1 + ($0 % $1 == 0 ? 0 : 1) }
    }

    /// The product of positive numbers; nil where it overflows.
    private static func product(of factors: [Int]) -> Int? {
      var product = 1
      for factor in factors {
        let (next, overflow) = product.multipliedReportingOverflow(by: factor)
        guard !overflow else { return nil }
        product = next
      }
      return product
    }

    /// Where the chunk's first number lies in the dataset.
    private func offset(_ index: Int) -> [Int] {
      let grid = Self.grid(axes, chunkAxes)
      var rest = index
      var offset = axes
      for axis in axes.indices.reversed() {
        offset[axis] = rest % grid[axis] * chunkAxes[axis]
        rest /= grid[axis]
      }
      return offset
    }

    /// Unpacks all chunks of `file` into the whole array, on all cores.
    func unpack(
      from file: MappedFile, place: Place, into target: TemporaryFile.Target
    ) throws(ActivationFileError) {
      try perform(places.count, state: { HDF5Filters.Buffers() }) {
        (index, buffers) throws(ActivationFileError) in
        try unpack(index, of: file, place: place, buffers: &buffers, into: target)
      }
    }

    private func unpack(
      _ index: Int, of file: MappedFile, place: Place, buffers: inout HDF5Filters.Buffers,
      into target: TemporaryFile.Target
    ) throws(ActivationFileError) {
      let (chunk, offset) = (places[index], offset(index))
      let part = Place(path: place.path, part: (place.part ?? "") + ", chunk at \(offset)")
      let start = Int(chunk.offset)
      let packed = try buffers.reserve(packed: Int(chunk.size), place: part)
      do throws(ActivationReadError) {
        try file.read(
          UnsafeRawBufferPointer(rebasing: file.bytes[start..<(start + Int(chunk.size))]),
          into: packed)
      } catch {
        throw part.error(.io, error.reason)
      }
      let numbers = try filters.unpack(
        &buffers, mask: chunk.mask, isWhole: isWhole(offset), to: chunkSize, place: part)
      copy(numbers, to: target.bytes, offset: offset)
      let row = scalarSize * axes[1...].reduce(1, *)
      target.release((offset[0] * row)..<(offset[0] + min(chunkAxes[0], axes[0] - offset[0])) * row)
    }

    /// Whether a chunk lies inside the dataset with all its numbers.
    private func isWhole(_ offset: [Int]) -> Bool {
      axes.indices.allSatisfy { chunkAxes[$0] <= axes[$0] - offset[$0] }
    }

    /// Copies the numbers of a chunk that lie in the dataset to their places.
    private func copy(
      _ numbers: UnsafeRawBufferPointer, to target: UnsafeMutableRawBufferPointer, offset: [Int]
    ) {
      guard let source = numbers.baseAddress, let destination = target.baseAddress else { return }
      let extents = axes.indices.map { min(chunkAxes[$0], axes[$0] - offset[$0]) }
      // The numbers of all axes from `inner` on are side by side in the chunk and in the dataset.
      var inner = axes.count - 1
      while inner > 0, chunkAxes[inner] == axes[inner] { inner -= 1 }
      var strides = (chunk: [Int](), array: [Int]())
      for axis in axes.indices {
        strides.chunk.append(scalarSize * chunkAxes[(axis + 1)...].reduce(1, *))
        strides.array.append(scalarSize * axes[(axis + 1)...].reduce(1, *))
      }
      let run = extents[inner] * strides.array[inner]
      var place = [Int](repeating: 0, count: inner)
      while true {
        var from = 0
        var to = offset[inner] * strides.array[inner]
        for axis in 0..<inner {
          from += place[axis] * strides.chunk[axis]
          to += (offset[axis] + place[axis]) * strides.array[axis]
        }
        (destination + to).copyMemory(from: source + from, byteCount: run)
        var axis = inner - 1
        while axis >= 0 {
          place[axis] += 1
          if place[axis] < extents[axis] { break }
          place[axis] = 0
          axis -= 1
        }
        if axis < 0 { return }
      }
    }
  }
#endif
