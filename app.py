"""The app: `python app.py`, then open http://127.0.0.1:7860; `python app.py --help` lists its flags."""

from kcdp.serve import main

if __name__ == "__main__":
    main()
