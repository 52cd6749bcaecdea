#if HDF5
  import Activations
  import CHDF5
  import Dispatch
  import Glibc
  import Synchronization

  /// The grid of chunks that a dataset is cut into, and how each is packed.
  ///
  /// libhdf5 finds and reads the packed chunks, one thread at a time; they are unpacked outside of it,
  /// on all cores and never into more bytes than a chunk has.
  struct HDF5Chunks: Equatable {
    /// The lengths of the dataset's axes and of a chunk's.
    let axes: [Int]
    let chunkAxes: [Int]
    let scalarSize: Int
    let filters: HDF5Filters
    /// Bytes of a whole chunk; those at the edges are whole, too.
    let chunkSize: Int
    let count: Int

    init(
      _ properties: borrowing HDF5Handle, layout: ArrayLayout, place: Place
    ) throws(ActivationFileError) {
      axes = [layout.shape.exampleCount] + layout.shape.featureAxes
      scalarSize = layout.scalarType.size
      var lengths = [hsize_t](repeating: 0, count: axes.count)
      guard H5Pget_chunk(properties.id, Int32(axes.count), &lengths) == axes.count,
        lengths.allSatisfy({ $0 > 0 && $0 <= UInt32.max })
      else { throw place.data("damaged: its chunks do not have its axes") }
      chunkAxes = lengths.map { Int($0) }
      filters = try HDF5Filters(properties, place: place)

      var chunkSize = scalarSize
      var count = 1
      for (length, chunkLength) in zip(axes, chunkAxes) {
        let size = chunkSize.multipliedReportingOverflow(by: chunkLength)
        // No more chunks than numbers, which were counted before.
        count *= (length + chunkLength - 1) / chunkLength
        guard !size.overflow else {
          throw place.data("a chunk of \(chunkAxes) has more bytes than any file can hold")
        }
        chunkSize = size.partialValue
      }
      self.chunkSize = chunkSize
      self.count = count
    }

    /// Checks that every chunk was written, and that the file is large enough for all of them.
    func checkClaims(
      of dataset: borrowing HDF5Handle, fileSize: Int, place: Place
    ) throws(ActivationFileError) {
      // A chunk is at least a byte of the file.
      guard count <= fileSize else {
        throw place.data("claims \(count) chunks, the file has \(fileSize) bytes")
      }
      var total = 0
      for index in 0..<count {
        let offset = offset(index)
        let size = storedSize(offset, of: dataset)
        guard size > 0 else {
          throw place.data(
            "the chunk at \(offset) was never written (\(HDF5Library.lastError)), expected all "
              + "\(count) chunks")
        }
        guard let largest = filters.largestSize(from: size), largest >= chunkSize else {
          throw place.data(
            "the chunk at \(offset) claims \(chunkSize) bytes from \(size) stored ones")
        }
        let (sum, overflow) = total.addingReportingOverflow(size)
        guard !overflow, sum <= fileSize else {
          throw place.data("its chunks claim more bytes than the file's \(fileSize)")
        }
        total = sum
      }
    }

    /// Bytes of a packed chunk; 0 where there is none.
    private func storedSize(_ offset: [Int], of dataset: borrowing HDF5Handle) -> Int {
      var size: hsize_t = 0
      // Versions of libhdf5 differ in what they return for a chunk that was never written.
      let status = H5Dget_chunk_storage_size(dataset.id, offset.map { hsize_t($0) }, &size)
      return status < 0 ? 0 : Int(clamping: size)
    }

    /// Whether there is more to do than to bring the chunks to their places.
    var isPacked: Bool { !filters.filters.isEmpty }

    /// Where the chunk's first number lies in the dataset.
    private func offset(_ index: Int) -> [Int] {
      var rest = index
      var offset = axes
      for axis in axes.indices.reversed() {
        let chunks = (axes[axis] + chunkAxes[axis] - 1) / chunkAxes[axis]
        offset[axis] = rest % chunks * chunkAxes[axis]
        rest /= chunks
      }
      return offset
    }

    /// Unpacks all chunks of `dataset` into the whole array, on all cores.
    func unpack(
      _ dataset: borrowing HDF5Handle, place: Place, into target: TemporaryFile.Target
    ) throws(ActivationFileError) {
      let id = dataset.id
      let next = Atomic(0)
      let failure = Mutex<ActivationFileError?>(nil)
      DispatchQueue.concurrentPerform(iterations: min(count, HDF5Chunks.processorCount)) { _ in
        do throws(ActivationFileError) {
          var buffers = HDF5Filters.Buffers()
          while failure.withLock({ $0 == nil }) {
            let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard index < count else { return }
            try unpack(index, of: id, place: place, buffers: &buffers, into: target)
          }
        } catch {
          failure.withLock { $0 = $0 ?? error }
        }
      }
      if let error = failure.withLock({ $0 }) { throw error }
    }

    private static let processorCount = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))

    private func unpack(
      _ index: Int, of dataset: hid_t, place: Place, buffers: inout HDF5Filters.Buffers,
      into target: TemporaryFile.Target
    ) throws(ActivationFileError) {
      let offset = offset(index)
      let mask = try HDF5Library.locked { () throws(ActivationFileError) -> UInt32 in
        let corner = offset.map { hsize_t($0) }
        var size: hsize_t = 0
        try place.check(H5Dget_chunk_storage_size(dataset, corner, &size))
        let packed = try buffers.reserve(packed: Int(clamping: size), place: place)
        var mask: UInt32 = 0
        try place.check(H5Dread_chunk(dataset, cka_h5_default, corner, &mask, packed))
        return mask
      }
      let part = Place(path: place.path, part: (place.part ?? "") + ", chunk at \(offset)")
      let numbers = try filters.unpack(
        &buffers, mask: mask, isWhole: isWhole(offset), to: chunkSize, place: part)
      copy(numbers, to: target.bytes, offset: offset)
      let row = scalarSize * axes[1...].reduce(1, *)
      target.release((offset[0] * row)..<(min(offset[0] + chunkAxes[0], axes[0]) * row))
    }

    /// Whether a chunk lies inside the dataset with all its numbers.
    private func isWhole(_ offset: [Int]) -> Bool {
      axes.indices.allSatisfy { offset[$0] + chunkAxes[$0] <= axes[$0] }
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
