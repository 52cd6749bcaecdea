/// The kind of a file, detected from its first bytes.
enum FileKind: String {
  case npy = ".npy"
  case npz = ".npz"
  case safetensors = ".safetensors"
  case hdf5 = ".h5"

  init(_ file: MappedFile, place: Place) throws(ActivationFileError) {
    let start = try file.copy(0..<min(9, file.bytes.count))
    func begins(_ magic: [UInt8]) -> Bool { start.starts(with: magic) }
    let hasBrace = start.count == 9 && start[8] == UInt8(ascii: "{")

    if hasBrace, start[4..<8].allSatisfy({ $0 == 0 }) {
      // A header's length below 4 GiB and the header: no other magic has four zeros there.
      self = .safetensors
    } else if begins(NPYHeader.magic) {
      self = .npy
    } else if begins([0x50, 0x4B, 0x03, 0x04]) || begins([0x50, 0x4B, 0x05, 0x06]) {
      self = .npz
    } else if begins([0x1F, 0x8B]) {
      throw place.noLayer(
        "found a gzip file, expected .npy, .npz, .safetensors or HDF5: unpack it first")
    } else if begins([0x80]), start.count > 1, (2...5).contains(start[1]) {
      throw TorchFile.refusal(place)
    } else if hasBrace {
      self = .safetensors
    } else if try Self.isHDF5(file) {
      self = .hdf5
    } else {
      let found = start.map { byte in
        let digits = String(byte, radix: 16)
        return digits.count == 1 ? "0" + digits : digits
      }
      throw place.noLayer(
        "found a file that begins with the bytes \(found.joined(separator: " ")), expected .npy, "
          + ".npz, .safetensors or HDF5")
    }
  }

  /// Whether HDF5's signature lies at the start, or behind a user block of 512, 1,024, 2,048… bytes:
  /// https://docs.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html, "Superblock".
  private static func isHDF5(_ file: MappedFile) throws(ActivationFileError) -> Bool {
    let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]
    var place = 0
    while place <= file.bytes.count - signature.count {
      if try file.copy(place..<(place + signature.count)) == signature { return true }
      place = max(place * 2, 512)
    }
    return false
  }
}

/// PyTorch's `.pt` and `.pth`: pickles, alone or in a zip archive.
enum TorchFile {
  /// Refuses the file with the line that converts it.
  static func refusal(_ place: Place) -> ActivationFileError {
    // A line to be pasted into a shell: unusual names are left to the reader.
    let isPlain = place.path.unicodeScalars.allSatisfy {
      $0.properties.isAlphabetic || $0.properties.numericType != nil
        || "._-/+=@".unicodeScalars.contains($0)
    }
    let path = isPlain ? place.path : "FILE.pt"
    return place.noLayer(
      "found a PyTorch or pickle file, which is never unpickled; convert it with: "
        + "python -c \"import torch, numpy; numpy.savez('activations.npz', **{k: v.detach().numpy() "
        + "for k, v in torch.load('\(path)', map_location='cpu', weights_only=True).items()})\"")
  }
}
